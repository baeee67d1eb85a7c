"""What comparisons over matched seeds need of the study in which they were trained."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from arnn_search.matched.network import Network
from arnn_search.matched.sampler import Values, networks_text, values_text
from arnn_search.studies.study import Study
from arnn_search.tracking.attach import attach_artifacts
from arnn_search.tracking.paths import TrackingPaths
from arnn_search.tracking.settings import TrackingSettings

_SAMPLER = "arnn_search.matched.sampler:MatchedSampler"
_SECONDS_TO_SEND = 30.0
_PACKAGES = ("arnn-search", "keras", "tensorflow", "numpy")


def matched_configuration(
    networks: Sequence[Network], *, num_seeds: int, fixed: Values | None = None
) -> dict[str, Any]:
    """The keys of `study.toml` that make a study train every network from every seed.

    Args:
        networks: in the order in which they are trained.
        num_seeds: from how many seeds.
        fixed: hyperparameters that are the same for all.
    """
    texts = networks_text([network.parameters for network in networks])
    return {
        "sampler": _SAMPLER,
        "sampler_options": f"networks={texts},fixed={values_text(fixed or {})}",
        "pruner": "none",
        "duplicates": "repeat",  # the same network from another seed
        "trials": len(networks) * num_seeds,
        "order": "strict",
    }


def num_ended(study: Study) -> int:
    """How many trials have ended, in whatever way."""
    return sum(trial.state not in ("running", "interrupted") for trial in study.trials)


def versions_of(study: Study) -> dict[str, str]:
    """The versions that its numbers depend on."""
    recorded = study.attributes["versions"]
    return {name: recorded[name] for name in _PACKAGES if name in recorded}


def attach_files(study: Study, files: Sequence[Path], *, folder: str) -> str | None:
    """Adds files to the study's run in MLflow, if it has one.

    Args:
        study: one that is not running.
        files: what to add.
        folder: where, in the run's artifacts.

    Returns:
        What did not reach MLflow, in words; None if everything did.
    """
    settings = TrackingSettings.load(TrackingPaths(study.layout.tracking)) if study.config.mlflow else None
    if settings is None:
        return None
    return attach_artifacts(
        study.layout.tracking,
        settings,
        [path.resolve() for path in files],
        artifact_path=folder,
        timeout_seconds=_SECONDS_TO_SEND,
    )
