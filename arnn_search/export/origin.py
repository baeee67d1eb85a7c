"""Where a network comes from: study, trial, hyperparameters, data and versions, as JSON data."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from arnn_search.studies.study import Study, Trial


def describe_origin(study: "Study", trial: "Trial") -> dict[str, Any]:
    """Everything that is needed to train the same network again, or to search around it."""
    config, recorded = study.config, study.attributes
    return {
        "study": study.name,
        "trial": trial.number,
        "space": recorded["space"],
        "space_sha256": recorded["space_sha256"],
        "data": recorded["data"],
        "data_sha256": recorded["data_sha256"],
        "architecture_hash": trial.architecture,
        "parameters": dict(trial.parameters),
        "training": {
            "epochs": config.epochs,
            "best_epoch": trial.best_epoch,
            "batch_size": trial.batch_size or config.batch_size,
            "precision": config.precision,
            "backend": config.backend,
            "deterministic": config.deterministic,
            "study_seed": config.seed,
            "metric": study.metric,
            "direction": study.direction,
        },
        "metrics": dict(trial.metrics),
        "versions": dict(recorded["versions"]),
    }
