"""A saved view for MLflow's list of runs: the columns that tell the trials of a study apart.

MLflow keeps a view as a tag of the experiment, in a form that it does not document and holds 40 of at most.
So there is one for each objective, not for each study. A version that reads it differently ignores it.
"""

import json
import re
from urllib.parse import quote, urlencode

PREFIX = "mlflow.sharedViewState."


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
        # MLflow nests trials below their study only in the order of creation.
        "orderByKey": "attributes.start_time",
        "orderByAsc": False,
        "searchFilter": "",
        "startTime": "ALL",
        "lifecycleFilter": "ACTIVE",
        "modelVersionFilter": "ALL",
        "datasetsFilter": [],
    }
    envelope = {
        "name": f"Trials by {metric}",
        "createdAt": created,
        "updatedAt": created,
        "state": json.dumps(state),
    }
    return PREFIX + view_key(metric), json.dumps(envelope)


def view_url(base_url: str, experiment_id: str, metric: str) -> str:
    """The page that opens the view.

    Args:
        base_url: address of the MLflow server.
        experiment_id: the MLflow experiment.
        metric: what the study optimises.
    """
    query = {"viewStateShareKey": view_key(metric), "workflowType": "machine_learning"}
    runs = f"{base_url.rstrip('/')}/#/experiments/{quote(experiment_id)}/runs"
    return f"{runs}?{urlencode(query)}"
