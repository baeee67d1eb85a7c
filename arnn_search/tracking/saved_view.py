"""A saved view for MLflow's list of runs: the columns that tell the trials of a study apart.

MLflow keeps a view as a tag of the experiment, in a form that it does not document; a version that reads it
differently ignores it. Its users may save no more once there are 40, so only the latest studies have one.
"""

import contextlib
import json
import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from arnn_search.errors import TrackingError
from arnn_search.tracking.failures import Meaning, meaning_of, reason_of
from arnn_search.tracking.pages import StudyLocation
from arnn_search.tracking.quiet import quiet

if TYPE_CHECKING:
    from mlflow import MlflowClient

PREFIX = "mlflow.sharedViewState."
_OURS = "arnn-search-"
MOST_VIEWS = 20
"""Of studies in one experiment."""

_SECTION = "arnn-search-study"
_NUM_RUNS = 500


def view_key(run_id: str) -> str:
    """What the view of a study is called in addresses.

    Args:
        run_id: the study's own run.
    """
    return f"{_OURS}{run_id}"


def save_view(
    client: "MlflowClient", experiment_id: str, run_id: str, *, study: str, metric: str, created: int
) -> None:
    """Keep the view of a study with its experiment, unless it is there; somebody may have changed it.

    The oldest views of other studies make room for it, but for those that somebody has changed.

    Args:
        client: of the store.
        experiment_id: the MLflow experiment.
        run_id: the study's own run.
        study: the study's name.
        metric: what the study optimises.
        created: milliseconds since 1970.
    """
    tags = client.get_experiment(experiment_id).tags
    name, value = view_tag(run_id, study=study, metric=metric, created=created)
    if name in tags:
        return
    client.set_experiment_tag(experiment_id, name, value)
    for old in _untouched(tags)[: -(MOST_VIEWS - 1)]:
        try:
            client.delete_experiment_tag(experiment_id, old)
        except Exception as error:
            # Another study has made room already; a server that cannot do it at all keeps them.
            if meaning_of(error) is not Meaning.GONE:
                return


def keep_view(uri: str, location: StudyLocation) -> None:
    """Make sure that a study has a view: others may have taken its room.

    Args:
        uri: MLflow's store.
        location: the study.

    Raises:
        TrackingError: the store cannot be read or written.
    """
    with quiet():
        from mlflow import MlflowClient

        client = MlflowClient(uri)
        try:
            metric = client.get_run(location.run_id).data.tags.get("arnn.metric", "").partition(",")[0]
            save_view(
                client,
                location.experiment_id,
                location.run_id,
                study=location.study,
                metric=metric or "val_accuracy",
                created=time.time_ns() // 1_000_000,
            )
        except Exception as error:
            raise TrackingError(f"MLflow at {uri} did not take a view: {reason_of(error)}.") from error


def view_tag(run_id: str, *, study: str, metric: str, created: int) -> tuple[str, str]:
    """The experiment's tag: name and value.

    Args:
        run_id: the study's own run.
        study: the study's name.
        metric: what the study optimises.
        created: milliseconds since 1970.
    """
    columns = [
        "params.`family`",
        "params.`activation`",
        "params.`limit_mode`",
        f"metrics.`best_{metric}`",
        "metrics.`health/score`",
        "tags.`arnn.state`",
        "tags.`arnn.reason`",
    ]
    state = {
        "selectedColumns": columns,
        "columnOrder": [],
        "columnWidths": {},
        "runsExpanded": {},
        "runsPinned": [],
        "runsHidden": [],
        "runsVisibilityMap": {},
        "runsHiddenMode": "FIRST_20_RUNS",
        "viewMaximized": False,
        "runListHidden": False,
        "isAccordionReordered": False,
        "useGroupedValuesInCharts": True,
        "hideEmptyCharts": True,
        "groupBy": None,
        "groupsExpanded": {},
        "autoRefreshEnabled": True,
        "globalLineChartConfig": {"xAxisKey": "step", "lineSmoothness": 0, "selectedXAxisMetricKey": ""},
        "orderByKey": f"metrics.`best_{metric}`",
        "orderByAsc": "loss" in metric or "error" in metric,
        "compareRunCharts": _charts(metric),
        "compareRunSections": [
            {"uuid": _SECTION, "name": "All trials", "display": True, "isReordered": True, "deleted": False}
        ],
        # By the study's run: another study in the experiment may have the same name.
        "searchFilter": f"tags.`mlflow.parentRunId` = '{run_id}'",
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "modelVersionFilter": "All Runs",
        "datasetsFilter": [],
    }
    envelope = {
        "name": f"Trials of {study}",
        "createdAt": created,
        "updatedAt": created,
        "state": json.dumps(state),
    }
    return PREFIX + view_key(run_id), json.dumps(envelope)


def view_url(base_url: str, experiment_id: str, run_id: str, *, charts: bool = False) -> str:
    """The page that opens the view.

    Args:
        base_url: address of the MLflow server.
        experiment_id: the MLflow experiment.
        run_id: the study's own run.
        charts: whether to open its charts instead of its table.
    """
    query = {"viewStateShareKey": view_key(run_id), "workflowType": "machine_learning"}
    query |= {"compareRunsMode": "CHART"} if charts else {}
    runs = f"{base_url.rstrip('/')}/#/experiments/{quote(experiment_id)}/runs"
    return f"{runs}?{urlencode(query)}"


def _untouched(tags: Mapping[str, str]) -> list[str]:
    """Our views as we have made them, the oldest first, by the names of their tags."""
    found = []
    for name, value in tags.items():
        with contextlib.suppress(ValueError, TypeError, AttributeError):
            content = json.loads(value) if name.startswith(PREFIX + _OURS) else {}
            created = content.get("createdAt")
            if isinstance(created, int) and created and content.get("updatedAt") == created:
                found.append((created, name))
    return [name for _, name in sorted(found)]


def _charts(metric: str) -> list[dict[str, object]]:
    """What ranks the trials, and the health of their gradients: by epoch, together, and by choices."""
    best = f"best_{metric}"
    # A trial that lacks one of them would be left out, as those without rotation by their limit.
    choices = ["family", "activation", "learning_rate"]
    return [
        _chart("LINE", metric, metricKey=metric, selectedMetricKeys=[metric]),
        _chart(
            "LINE",
            "gradient health",
            metricKey="health/score",
            selectedMetricKeys=["health/score"],
        ),
        _chart(
            "SCATTER",
            f"{best} by gradient health",
            xaxis={"key": "health/score", "type": "METRIC"},
            yaxis={"key": best, "type": "METRIC"},
        ),
        _chart(
            "PARALLEL",
            f"{best} by choices",
            selectedParams=choices,
            selectedMetrics=["health/score", best],
            showAllRuns=False,
        ),
    ]


def _chart(kind: str, title: str, **more: object) -> dict[str, object]:
    chart: dict[str, object] = {
        "uuid": "arnn-search-" + re.sub(r"[^\w-]", "-", title),
        "type": kind,
        "displayName": title,
        "metricSectionId": _SECTION,
        "runsCountToCompare": _NUM_RUNS,
        "deleted": False,
        "isGenerated": False,
    }
    if kind == "LINE":
        chart |= {"lineSmoothness": 0, "scaleType": "linear", "xAxisScaleType": "linear", "range": {}}
        chart |= {"xAxisKey": "step", "selectedXAxisMetricKey": "", "yAxisKey": "metric"}
        chart |= {"yAxisExpressions": [], "ignoreOutliers": False, "useGlobalXaxisKey": False}
    return chart | more
