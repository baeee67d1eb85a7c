"""A saved view for MLflow's list of runs: the columns that tell the trials of a study apart.

MLflow keeps a view as a tag of the experiment, in a form that it does not document and holds 40 of at most.
So there is one for each objective, not for each study. A version that reads it differently ignores it.
"""

import json
import re
from urllib.parse import quote, urlencode

PREFIX = "mlflow.sharedViewState."
_SECTION = "arnn-search-study"
_NUM_RUNS = 500


def view_key(metric: str) -> str:
    """What the view of an objective is called in addresses."""
    return "arnn-search-" + re.sub(r"[^\w-]", "-", metric)[:80]


def view_tag(metric: str, *, created: int) -> tuple[str, str]:
    """The experiment's tag: name and value.

    Args:
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
        "tags.`arnn.study`",
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
        # Without the studies' own runs, below which MLflow would fold them away.
        "searchFilter": "tags.`arnn.role` = 'trial'",
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "modelVersionFilter": "All Runs",
        "datasetsFilter": [],
    }
    envelope = {
        "name": f"Trials by {metric}",
        "createdAt": created,
        "updatedAt": created,
        "state": json.dumps(state),
    }
    return PREFIX + view_key(metric), json.dumps(envelope)


def view_url(base_url: str, experiment_id: str, metric: str, *, charts: bool = False) -> str:
    """The page that opens the view.

    Args:
        base_url: address of the MLflow server.
        experiment_id: the MLflow experiment.
        metric: what the study optimises.
        charts: whether to open its charts instead of its table.
    """
    query = {"viewStateShareKey": view_key(metric), "workflowType": "machine_learning"}
    query |= {"compareRunsMode": "CHART"} if charts else {}
    runs = f"{base_url.rstrip('/')}/#/experiments/{quote(experiment_id)}/runs"
    return f"{runs}?{urlencode(query)}"


def _charts(metric: str) -> list[dict[str, object]]:
    """What ranks the trials, and the health of their gradients: by epoch, together, and by choices."""
    best = f"best_{metric}"
    choices = ["family", "activation", "limit_mode", "learning_rate"]
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
            selectedMetrics=[best],
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
