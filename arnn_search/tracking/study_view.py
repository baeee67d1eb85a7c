"""A study as tables, read from MLflow alone, so that it looks the same on every machine that reaches it."""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas

if TYPE_CHECKING:
    from mlflow import MlflowClient

_RUNS_PER_PAGE = 1000
_LAYER_COLUMNS = ("epoch", "depth", "layer", "gradient_rms", "limit")


class Details(Protocol):
    """Where a view gets what it holds of single trials, when a dashboard asks for it."""

    def history(self, number: int, metric: str) -> pandas.Series:
        """A metric over the epochs of a trial; empty if it has none."""

    def layers(self, number: int) -> pandas.DataFrame:
        """The gradient statistics of a trial; see `StudyView.layers`."""


class NoDetails:
    """Of trials of which nothing but their row is known."""

    def history(self, number: int, metric: str) -> pandas.Series:
        return pandas.Series(dtype="float64")

    def layers(self, number: int) -> pandas.DataFrame:
        return pandas.DataFrame(columns=list(_LAYER_COLUMNS))


@dataclass(frozen=True)
class StudyView:
    """What a dashboard draws.

    Attributes:
        name: the study's name.
        metric: the reported metric that is the score.
        direction: `"maximize"` or `"minimize"`.
        trials: one row per trial in order of the number (the index), with the columns `state`, `reason`,
            `message`, `value` (the best score; NaN if there is none), `family`, `device`, `started` and
            `ended` (UTC; NaT while it runs), `num_parameters`, `param.<name>` (text) and `metric.<name>`
            (latest value).
        details: where the histories and layers of single trials come from.
    """

    name: str
    metric: str
    direction: str
    trials: pandas.DataFrame
    details: Details = field(default_factory=NoDetails)

    def history(self, number: int, metric: str) -> pandas.Series:
        """A metric of a trial, by epoch; empty if there is none."""
        return self.details.history(number, metric)

    def layers(self, number: int) -> pandas.DataFrame:
        """A row per epoch and followed layer of a trial that has ended, empty if nothing was followed.

        Columns: `epoch` (from 1), `depth` (from 0), `layer`, `gradient_rms` and `limit` (NaN where nothing
        rotates).
        """
        return self.details.layers(number)

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
        RunDetails(client, {int(run.data.tags["arnn.trial"]): run.info.run_id for run in runs}),
    )


class RunDetails:
    """Details of the runs of trials in MLflow, each fetched once.

    Args:
        client: MLflow's client for the store.
        runs: the id of each trial's run.
    """

    def __init__(self, client: "MlflowClient", runs: dict[int, str]) -> None:
        self._client, self._runs = client, runs
        self._layers: dict[int, pandas.DataFrame] = {}

    def history(self, number: int, metric: str) -> pandas.Series:
        points = self._client.get_metric_history(self._runs[number], metric)
        return pandas.Series({point.step: point.value for point in points}, dtype="float64").sort_index()

    def layers(self, number: int) -> pandas.DataFrame:
        if number not in self._layers:
            self._layers[number] = self._download(number)
        return self._layers[number]

    def _download(self, number: int) -> pandas.DataFrame:
        run = self._runs[number]
        if "gradients.npz" not in {item.path for item in self._client.list_artifacts(run)}:
            return NoDetails().layers(number)
        with tempfile.TemporaryDirectory() as folder:
            return read_gradients(Path(self._client.download_artifacts(run, "gradients.npz", folder)))


def read_gradients(path: Path) -> pandas.DataFrame:
    """The table of `StudyView.layers` from a trial's `gradients.npz`."""
    with np.load(path, allow_pickle=False) as arrays:
        names = [str(name) for name in arrays["layers"]]
        gradients = np.asarray(arrays["gradient_rms"], dtype="float64")
        limits = {
            str(name): arrays["limit"][:, column]
            for column, name in enumerate(arrays.get("limit_layers", ()))
        }
    rows = [
        (
            epoch + 1,
            depth,
            name,
            gradients[epoch, depth],
            float(limits[name][epoch]) if name in limits else np.nan,
        )
        for epoch in range(len(gradients))
        for depth, name in enumerate(names)
    ]
    return pandas.DataFrame(rows, columns=list(_LAYER_COLUMNS))


def as_table(rows: list[dict[str, Any]]) -> pandas.DataFrame:
    """The rows of `StudyView.trials`; columns that no row has are there all the same."""
    columns = ["number", "state", "reason", "message", "value", "family", "device", "started", "ended"]
    columns.append("num_parameters")
    table = pandas.DataFrame(rows, columns=None if rows else columns)
    table = table.reindex(columns=[*columns, *(name for name in table.columns if name not in columns)])
    for time in ("started", "ended"):
        table[time] = pandas.to_datetime(table[time], unit="ms", utc=True)
    for number in ("value", "num_parameters"):
        table[number] = pandas.to_numeric(table[number])
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
        "num_parameters": tags.get("arnn.parameters"),
    }
    row |= {f"param.{name}": value for name, value in run.data.params.items()}
    return row | {f"metric.{name}": value for name, value in metrics.items()}
