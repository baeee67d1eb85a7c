"""The engine that a configuration asks for."""

from arnn_search.studies.config import StudyConfig
from arnn_search.studies.engines.engine import Engine
from arnn_search.studies.engines.optuna import OptunaEngine
from arnn_search.studies.ledger import Direction


def make_engine(config: StudyConfig, *, study_name: str, direction: Direction) -> Engine:
    """Makes the engine of a study.

    Raises:
        ConfigurationError: it needs a package that is not installed, or a class that is not found.
    """
    return OptunaEngine(
        sampler=config.sampler,
        pruner=config.pruner,
        direction=direction,
        epochs=config.epochs,
        seed=config.seed,
        study_name=study_name,
    )


def check_engine(config: StudyConfig) -> None:
    """Refuses what `make_engine` could not make, before anything is started or written.

    Raises:
        ConfigurationError: as `make_engine`.
    """
    make_engine(config, study_name="check", direction="maximize").close()
