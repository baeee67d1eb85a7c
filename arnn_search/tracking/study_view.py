"""A study as tables, read from MLflow alone, so that it looks the same on every machine that reaches it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas

if TYPE_CHECKING:
    from mlflow import MlflowClient

_RUNS_PER_PAGE = 1000


@dataclass(frozen=True)
class StudyView:
    """What a dashboard draws.

    Attributes:
        name: the study's name.
        metric: the reported metric that is the score.
        direction: `"maximize"` or `"minimize"`.
        trials: one row per trial in order of the number (the index), with the columns `state`, `reason`,
            `message`, `value` (the best score; NaN if there is none), `family`, `device`, `started` and
            `ended` (UTC; NaT while it runs), `param.<name>` (text) and `metric.<name>` (latest value).
    """

    name: str
    metric: str
    direction: str
    trials: pandas.DataFrame

    @property
    def completed(self) -> pandas.DataFrame:
        """The completed trials, best first."""
        done = self.trials[(self.trials["state"] == "completed") & self.trials["value"].notna()]
        return done.sort_values("value", ascending=self.direction == "minimize", kind="stable")

    @property
    def best_so_far(self) -> pandas.Series:
        """The best score among the completed trials that ended before or with each of them, in that order."""
        done = self.completed.sort_values("ended", kind="stable")["value"]
        return done.cummin() if self.direction == "minimize" else done.cummax()


def read_study(client: "MlflowClient", experiment_id: str, run_id: str) -> StudyView:
    """Reads a study.

    Args:
        client: MLflow's client for the store.
        experiment_id: the MLflow experiment.
        run_id: the study's own run.
    """
    parent = client.get_run(run_id)
    metric = parent.data.tags.get("arnn.metric", "val_accuracy")
    runs: list[Any] = []
    token = None
    while True:
        page = client.search_runs(
            [experiment_id],
            f"tags.`mlflow.parentRunId` = '{run_id}'",
            max_results=_RUNS_PER_PAGE,
            page_token=token,
        )
        runs += page
        token = page.token
        if not token:
            break
    return StudyView(
        parent.data.tags.get("arnn.study", ""),
        metric,
        parent.data.tags.get("arnn.direction", "maximize"),
        as_table([_row(run, metric) for run in runs]),
    )


def as_table(rows: list[dict[str, Any]]) -> pandas.DataFrame:
    """The rows of `StudyView.trials`; columns that no row has are there all the same."""
    columns = ["number", "state", "reason", "message", "value", "family", "device", "started", "ended"]
    table = pandas.DataFrame(rows, columns=None if rows else columns)
    table = table.reindex(columns=[*columns, *(name for name in table.columns if name not in columns)])
    for time in ("started", "ended"):
        table[time] = pandas.to_datetime(table[time], unit="ms", utc=True)
    table["value"] = pandas.to_numeric(table["value"])
    for text in ("state", "reason", "message", "family", "device"):
        table[text] = table[text].astype(object).fillna("")
    return table.astype({"number": int}).set_index("number").sort_index()


def _row(run: Any, metric: str) -> dict[str, Any]:
    tags, metrics = run.data.tags, run.data.metrics
    row = {
        "number": int(tags["arnn.trial"]),
        "state": tags.get("arnn.state", ""),
        "reason": tags.get("arnn.reason", ""),
        "message": tags.get("arnn.message", ""),
        "value": metrics.get(f"best_{metric}"),
        "family": tags.get("arnn.family", ""),
        "device": tags.get("arnn.device", ""),
        "started": run.info.start_time,
        "ended": run.info.end_time,
    }
    row |= {f"param.{name}": value for name, value in run.data.params.items()}
    return row | {f"metric.{name}": value for name, value in metrics.items()}
