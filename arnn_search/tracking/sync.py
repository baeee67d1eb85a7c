"""Sending what a study has left behind."""

from dataclasses import dataclass, replace
from pathlib import Path

from arnn_search.tracking.paths import TrackingPaths
from arnn_search.tracking.settings import TrackingSettings, start_over
from arnn_search.tracking.tracker import Tracker


@dataclass(frozen=True)
class SyncReport:
    """What `sync` did.

    Attributes:
        study: the study's name.
        tracking_uri: where it was sent.
        delivered: records that were delivered now.
        remaining: records that still wait.
        rejected: values that MLflow did not take, now or before.
        error: why records still wait, in words; None when none does.
    """

    study: str
    tracking_uri: str
    delivered: int
    remaining: int
    rejected: int
    error: str | None


def sync(
    directory: Path,
    *,
    tracking_uri: str | None = None,
    from_start: bool = False,
    timeout_seconds: float = 30.0,
) -> SyncReport:
    """Send what a tracker's folder still holds.

    Args:
        directory: the folder that was given to the `Tracker`.
        tracking_uri: another store than the one of before; it gets everything from the beginning.
        from_start: send everything again, for a store that has lost it.
        timeout_seconds: how long to go on without any progress.

    Raises:
        TrackingError: if the folder follows no study, or cannot be written.
    """
    paths = TrackingPaths(directory.absolute())
    settings = TrackingSettings.load(paths)
    if tracking_uri is not None:
        settings = replace(settings, tracking_uri=tracking_uri)
    if from_start:
        start_over(paths)
    tracker = Tracker(
        directory,
        study=settings.study,
        study_id=settings.study_id,
        tracking_uri=settings.tracking_uri,
        experiment=settings.experiment,
    )
    at_first = remaining = tracker.pending
    while not tracker.flush(timeout_seconds) and tracker.pending < remaining:
        remaining = tracker.pending
    error = tracker.last_error
    tracker.close(0.0)
    return SyncReport(
        study=settings.study,
        tracking_uri=settings.tracking_uri,
        delivered=max(0, at_first - tracker.pending),
        remaining=tracker.pending,
        rejected=tracker.rejected,
        error=error if tracker.pending else None,
    )
