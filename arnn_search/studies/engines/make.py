"""The engine that a configuration asks for."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from arnn_search.errors import ConfigurationError
from arnn_search.execution.companion import Companion, InlineCompanion, ProcessCompanion
from arnn_search.spaces.parameters import Parameter
from arnn_search.studies.config import StudyConfig
from arnn_search.studies.engines.engine import Engine, PastTrial
from arnn_search.studies.engines.keras_tuner import KerasTunerEngine
from arnn_search.studies.engines.optuna import OptunaEngine
from arnn_search.studies.ledger import Direction
from arnn_search.studies.objectives import split_names
from arnn_search.studies.options import parse_options


def make_engine(
    config: StudyConfig,
    *,
    study_name: str,
    directions: Sequence[Direction],
    space: Sequence[Parameter],
    log: Path,
    imported: Sequence[PastTrial] = (),
) -> Engine:
    """Makes the engine of a study.

    Args:
        config: the study's configuration.
        study_name: the study's name.
        directions: of the objectives.
        space: the parameters that the space's defaults ask for.
        imported: trials of another study.
        log: the file for what an engine's own process prints, if it has one.

    Raises:
        ConfigurationError: it needs a package that is not installed, a class that is not found, or something
            that the study cannot give it.
    """
    pruner_options = parse_options("pruner_options", config.pruner_options)
    if config.engine == "optuna":
        if len(directions) > 1 and config.sampler == "cmaes":
            raise ConfigurationError(
                "The sampler 'cmaes' takes one objective. For several use tpe, nsgaii, nsgaiii or gp."
            )
        return OptunaEngine(
            sampler=config.sampler,
            pruner=config.pruner,
            directions=directions,
            epochs=config.epochs,
            seed=config.seed,
            study_name=study_name,
            imported=imported,
            sampler_options=parse_options("sampler_options", config.sampler_options),
            pruner_options=pruner_options,
        )
    if len(directions) > 1:
        raise ConfigurationError(
            "KerasTuner's oracles would add several objectives up. For a Pareto front use --engine optuna."
        )
    if config.storage is not None:
        raise ConfigurationError(
            "KerasTuner's oracles need one coordinator, and a shared ledger has several supervisors. For "
            "many machines with --engine keras-tuner use --executor ray; with --storage use --engine optuna."
        )

    def start(reference: str, *arguments: Any) -> Companion:
        if config.executor == "inline":
            return InlineCompanion(reference, *arguments)
        return ProcessCompanion(reference, *arguments, log=log)

    return KerasTunerEngine(
        oracle=config.oracle,
        pruner=config.pruner,
        direction=directions[0],
        epochs=config.epochs,
        seed=config.seed,
        study_name=study_name,
        space=space,
        start=start,
        imported=imported,
        pruner_options=pruner_options,
    )


def check_engine(config: StudyConfig) -> None:
    """Refuses what `make_engine` could not make, before anything is started or written.

    Raises:
        ConfigurationError: as `make_engine`.
    """
    directions: list[Direction] = ["maximize" for _ in split_names(config.objective)]
    with contextlib.closing(
        make_engine(config, study_name="check", directions=directions, space=(), log=Path())
    ) as engine:
        if config.candidates_per_trial > 1 and not engine.resamples:
            raise ConfigurationError(
                "`candidates_per_trial` needs a sampler that can propose several architectures for one "
                "trial; grid, brute-force and KerasTuner's oracles propose each one once. "
                f"Received: {config.candidates_per_trial}."
            )
