"""Putting an exported Keras file into MLflow's model registry, with a link to its trial."""

import json
import re
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from arnn_search.errors import ExportError
from arnn_search.execution.local import LocalExecutor
from arnn_search.export.formats import format_of_file
from arnn_search.export.origin import describe_origin
from arnn_search.export.report import ExportReport
from arnn_search.tracking.registry import ALIAS, RegisteredVersion, run_of_trial

if TYPE_CHECKING:
    from arnn_search.studies.study import Study


def check_can_register(
    study: "Study", name: str, path: Path, *, trial: int | None, formats: list[str] | None, fold: bool
) -> None:
    """Raises an `ExportError` or a `TrackingError` for what would fail once everything is written."""
    if not name.strip() or re.search(r"[/:]", name):
        raise ExportError(f"The name of a registered model must not hold / or :. Received: {name!r}.")
    if not study.attributes.get("tracking_uri"):
        raise ExportError(f"Study {study.name!r} was run with mlflow = false, so it has no registry.")
    single = format_of_file(path)
    written = formats or (["keras"] if single is None else [single.name])
    if not fold or "keras" not in written:
        raise ExportError(
            "--register takes a folded Keras file: leave --no-fold away, and write to a .keras file or to a "
            "folder with keras in --format."
        )
    run_of_trial(study.layout.tracking, study.best_trial.number if trial is None else trial)


def register_export(study: "Study", report: ExportReport, name: str) -> RegisteredVersion:
    """Registers the Keras file of an export as a version of `name`, and as its champion.

    Raises:
        TrackingError: MLflow does not take it.
    """
    file = next(file for file in report.files if file.format == "keras")
    trial = study.trial(report.trial)
    tags = {
        "arnn.study": study.name,
        "arnn.trial": str(report.trial),
        "arnn.data_sha256": str(study.attributes["data_sha256"]),
        "arnn.architecture": trial.architecture,
        "arnn.inputs": "raw" if report.raw_inputs else "scaled",
        "arnn.class_names": json.dumps(study.data_spec.class_names)[:5000],
    }
    metrics = {f"exported_{report.metric}": report.verified}
    test = study.attributes.get("test") or {}
    if test.get("trial") == report.trial:
        metrics |= {f"test_{key}": value for key, value in test["metrics"].items()}
    with LocalExecutor(backend="tensorflow") as executor:
        registered: RegisteredVersion = executor.call(
            "arnn_search.tracking.registry:register_model",
            file.path,
            name,
            tracking_uri=study.attributes["tracking_uri"],
            run_id=run_of_trial(study.layout.tracking, report.trial),
            metrics=metrics,
            tags=tags,
            metadata={"arnn_search": describe_origin(study, trial)},
            requirements=[f"{package}=={version(package)}" for package in ("tensorflow", "keras", "numpy")],
        )
    return registered


__all__ = ["ALIAS", "check_can_register", "register_export"]
