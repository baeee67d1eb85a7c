"""Files that are added to a study's run after the study has ended."""

from collections.abc import Sequence
from pathlib import Path

from arnn_search.tracking.settings import TrackingSettings
from arnn_search.tracking.tracker import Tracker


def attach_artifacts(
    directory: Path,
    settings: TrackingSettings,
    paths: Sequence[Path],
    *,
    artifact_path: str,
    timeout_seconds: float,
) -> str | None:
    """Adds files to the study's run, through the same spool as everything else: nothing is lost.

    Args:
        directory: the study's tracking folder.
        settings: of the study.
        paths: the files; they must stay where they are until they are sent.
        artifact_path: the folder in the run's artifacts.
        timeout_seconds: how long to wait for MLflow.

    Returns:
        What did not reach MLflow, in words; None if everything did.
    """
    tracker = Tracker(
        directory,
        study=settings.study,
        study_id=settings.study_id,
        tracking_uri=settings.tracking_uri,
        experiment=settings.experiment,
    )
    for path in paths:
        tracker.log_artifact(None, path, artifact_path)
    tracker.close(timeout_seconds)
    return tracker.farewell()
