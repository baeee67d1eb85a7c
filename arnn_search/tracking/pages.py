"""MLflow's pages of a study, and finding the study that they show."""

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from arnn_search.errors import TrackingError
from arnn_search.tracking.failures import reason_of
from arnn_search.tracking.quiet import quiet
from arnn_search.tracking.store import database_path

# Without it, MLflow opens in the mode that it has for language models.
_WORKFLOW = {"workflowType": "machine_learning"}
_STUDIES = "tags.`arnn.role` = 'study'"


@dataclass(frozen=True)
class StudyLocation:
    """Where MLflow holds a study.

    Attributes:
        study: the study's name.
        experiment_id: the MLflow experiment.
        run_id: the study's own run, the parent of its trials' runs.
    """

    study: str
    experiment_id: str
    run_id: str


def study_url(base_url: str, experiment_id: str, *, study: str | None = None) -> str:
    """The page that lists a study's runs, trials below their study, in their order.

    Args:
        base_url: address of the MLflow server.
        experiment_id: the MLflow experiment.
        study: name of the study, to leave out others of the same experiment; None for all of them.
    """
    # MLflow nests runs only in the order of their creation.
    query = _WORKFLOW | {"orderByKey": "attributes.start_time", "orderByAsc": "false"}
    if study is not None:
        query["searchFilter"] = f"tags.`arnn.study` = {_quoted(study)}"
    runs = f"{base_url.rstrip('/')}/#/experiments/{quote(experiment_id)}/runs"
    return f"{runs}?{urlencode(query, quote_via=quote)}"


def run_url(base_url: str, experiment_id: str, run_id: str, *, artifact: str | None = None) -> str:
    """The page of one run.

    Args:
        base_url: address of the MLflow server.
        experiment_id: the MLflow experiment.
        run_id: the run.
        artifact: path of an artifact to open, for example `gradients.png`; None for the overview.
    """
    page = f"/artifacts/{quote(artifact)}" if artifact else ""
    run = f"{base_url.rstrip('/')}/#/experiments/{quote(experiment_id)}/runs/{quote(run_id)}"
    return f"{run}{page}?{urlencode(_WORKFLOW)}"


def find_study(uri: str, study: str | None = None) -> StudyLocation | None:
    """Find a study in an MLflow store.

    Args:
        uri: the store.
        study: the study's name; None for the latest of all.

    Returns:
        The latest study of that name; None if the store holds none.

    Raises:
        TrackingError: if the store cannot be read.
    """
    database = database_path(uri)
    if database is not None and not database.exists():
        # MLflow would create it.
        return None
    query = _STUDIES if study is None else f"{_STUDIES} and tags.`arnn.study` = {_quoted(study)}"
    try:
        with quiet():
            from mlflow import MlflowClient

            client = MlflowClient(uri)
            experiments = [experiment.experiment_id for experiment in client.search_experiments()]
            runs = client.search_runs(
                experiments, query, max_results=1, order_by=["attributes.start_time DESC"]
            )
    except Exception as error:
        raise TrackingError(
            f"MLflow at {uri} cannot be read: {reason_of(error)}. Check that its server runs, and that "
            "MLFLOW_TRACKING_URI names it."
        ) from error
    if not runs:
        return None
    info = runs[0].info
    return StudyLocation(runs[0].data.tags["arnn.study"], info.experiment_id, info.run_id)


def _quoted(text: str) -> str:
    return f'"{text}"' if "'" in text else f"'{text}'"
