"""What is found out before a study begins: its data, whether its space works, what it optimises."""

from dataclasses import dataclass, replace
from pathlib import Path

from arnn_search.data import DataSpec
from arnn_search.errors import ConfigurationError, SpaceError
from arnn_search.execution import Executor
from arnn_search.spaces.discovery import SpaceFile
from arnn_search.spaces.parameters import Parameter
from arnn_search.studies.config import StudyConfig
from arnn_search.studies.engines.engine import PastTrial
from arnn_search.studies.layout import data_cache
from arnn_search.studies.ledger import Direction
from arnn_search.studies.listener import StudyListener
from arnn_search.studies.objectives import MEASURED, Objectives, parse_objectives
from arnn_search.studies.warm_start import import_trials
from arnn_search.trials.rehearsal import Rehearsal


@dataclass(frozen=True)
class PreparedStudy:
    """What is known of a study before anything of it is written.

    Attributes:
        directory: the folder of the prepared data.
        spec: what the data are.
        objectives: what trials are scored by.
        parameters: what the space's defaults ask for.
        imported: trials of another study.
    """

    directory: Path
    spec: DataSpec
    objectives: Objectives
    parameters: tuple[Parameter, ...]
    imported: tuple[PastTrial, ...] = ()

    @property
    def recorded_objectives(self) -> list[list[str]]:
        """The objectives, as the ledger records them."""
        return [[one.name, one.direction] for one in self.objectives.items]

    @property
    def metric(self) -> str:
        """The reported metric that decides on a trial's best epoch."""
        return self.objectives.primary.name


def prepare_study(config: StudyConfig, declaration: SpaceFile, executor: Executor) -> PreparedStudy:
    """Prepares the data, and tries the space on them.

    Raises:
        DataError: the data cannot be used.
        SpaceError: the space does not work.
        ConfigurationError: an objective that the models do not report.
    """
    data = executor.call(
        "arnn_search.data:prepare",
        config.data,
        target=config.target,
        task=config.task,
        scaling=config.scaling,
        validation=config.validation,
        test=config.test,
        max_train_samples=config.max_train_samples,
        seed=config.seed,
        cache_directory=data_cache(config.directory.resolve()),
    )
    tried = executor.call("arnn_search.trials.rehearse:rehearse_defaults", declaration.path, data.directory)
    if tried.problem:
        raise SpaceError(f"The search space {declaration.name!r} does not work. {tried.problem}")
    objectives = _objectives(config, data.spec, tried)
    return PreparedStudy(data.directory, data.spec, objectives, tried.parameters)


def with_imported(prepared: PreparedStudy, config: StudyConfig, listener: StudyListener) -> PreparedStudy:
    """Adds the trials of the study that this one begins with.

    Raises:
        UnknownNameError: there is no study of this name.
        StudyError: it optimises something else.
    """
    name = str(config.from_study)
    imported = import_trials(
        config.directory,
        name,
        objectives=prepared.recorded_objectives,
        space=prepared.parameters,
    )
    listener.imported(name, num_trials=len(imported.trials), misfits=imported.misfits)
    return replace(prepared, imported=imported.trials)


def _objectives(config: StudyConfig, spec: DataSpec, tried: Rehearsal) -> Objectives:
    name, direction = spec.objective
    default: tuple[str, Direction] = (name, "minimize" if direction == "minimize" else "maximize")
    objectives = parse_objectives(config.objective, config.direction, default=default)
    for name in objectives.names:
        if name.startswith("health/"):
            if not config.telemetry:
                raise ConfigurationError(
                    f"The objective {name!r} needs the telemetry, which is switched off."
                )
        elif name not in tried.metrics and name not in MEASURED:
            raise ConfigurationError(
                f"The objective {name!r} is not among what the models of {config.space!r} report: "
                f"{', '.join(tried.metrics)}."
            )
    return objectives
