"""Opening the store for a study."""

from collections.abc import Callable
from pathlib import Path

from arnn_search.tracking.batches import Record
from arnn_search.tracking.delivery import Delivery
from arnn_search.tracking.names import valid_name
from arnn_search.tracking.progress import RunIds
from arnn_search.tracking.runs import StudyRuns
from arnn_search.tracking.settings import TrackingSettings
from arnn_search.tracking.store import artifact_location, ensure_store


def connect(
    settings: TrackingSettings,
    ids: RunIds,
    *,
    outbox: Path,
    reject: Callable[[Record, str], None],
) -> Delivery:
    """Open the store, create it if it is the default one, and make ready to deliver.

    Args:
        settings: where the study is tracked.
        ids: the runs that are known.
        outbox: folder for files on their way.
        reject: is told each record that MLflow will never take, and why.

    Raises:
        TrackingError: if the store cannot be opened.
    """
    ensure_store(settings.tracking_uri)
    from mlflow import MlflowClient

    client = MlflowClient(settings.tracking_uri)
    location = artifact_location(settings.tracking_uri)
    runs = StudyRuns(
        client,
        ids,
        study=settings.study,
        study_id=settings.study_id,
        experiment=settings.experiment,
        artifact_location=location and f"{location}/{valid_name(settings.experiment).replace('/', '_')}",
    )
    return Delivery(client, runs, outbox=outbox, reject=reject)
