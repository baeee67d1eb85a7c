"""A study as plain tables: what dashboards and reports are made from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from arnn_search.precedence import precedence
from arnn_search.tracking.leaderboard import leaderboard

if TYPE_CHECKING:
    import pandas

    from arnn_search.tracking.pages import StudyLocation

Arrays = Mapping[str, NDArray[Any]]

TRIAL_COLUMNS: dict[str, Any] = {
    "run_id": "",
    "state": "running",
    "reason": "",
    "message": "",
    "score": np.nan,
    "started": None,
    "ended": None,
    "seconds": np.nan,
    "device": "",
    "attempt": 1,
    "family": "",
    "architecture": "",
    "num_weights": np.nan,
    "num_epochs": 0,
}
"""The columns that `StudyView.trials` always has, and what stands where nothing is known."""

LAYER_COLUMNS = ("trial", "epoch", "depth", "layer", "gradient_rms", "saturation", "limit")


@dataclass(frozen=True)
class Objective:
    """What a study optimises.

    Attributes:
        metric: the metric's name.
        direction: `"maximize"` or `"minimize"`.
    """

    metric: str
    direction: str

    @property
    def maximizes(self) -> bool:
        """Whether more is better."""
        return self.direction == "maximize"


@dataclass(frozen=True)
class StudyView:
    """A study as tables. Nothing in it reaches back to MLflow.

    Attributes:
        name: the study's name.
        objectives: what is optimised; the first one ranks the trials.
        trials: one row per trial, indexed by its number: the columns of `TRIAL_COLUMNS`, a `param.<name>` for
            each hyperparameter, and a `metric.<name>` for each metric at the trial's best epoch.
        epochs: one row per trial and epoch: `trial`, `epoch`, and a column for each metric.
        gradients: the arrays of each trial's `gradients.npz` by the trial's number; `gradient_rms` of shape
            (epochs, layers), `layers`, and further ones.
        state: `running`, `completed`, `stopped` or `failed`.
        parameters: the study's configuration.
        tags: the tags of the study's run.
        metrics: the metrics of the study's run, such as `test_accuracy`.
        location: where MLflow holds the study; None for tables that did not come from there.
    """

    name: str
    objectives: tuple[Objective, ...]
    trials: "pandas.DataFrame"
    epochs: "pandas.DataFrame"
    gradients: Mapping[int, Arrays] = field(default_factory=dict)
    state: str = "completed"
    parameters: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    location: "StudyLocation | None" = None

    @classmethod
    def from_tables(
        cls,
        name: str,
        trials: Iterable[Mapping[str, Any]] = (),
        *,
        epochs: Iterable[Mapping[str, Any]] = (),
        metric: str = "val_accuracy",
        direction: str = "maximize",
        **more: Any,
    ) -> "StudyView":
        """A view of rows in memory; what a row leaves out is filled in.

        Args:
            name: the study's name.
            trials: a mapping for each trial; `number` is needed, every column of `trials` is possible.
            epochs: a mapping for each epoch of each trial, with `trial` and `epoch`.
            metric: what is optimised.
            direction: `"maximize"` or `"minimize"`.
            **more: any other attribute.

        Example:
            >>> view = StudyView.from_tables("night", [{"number": 0, "state": "completed", "score": 0.9}])
            >>> view.completed.index.tolist()
            [0]
        """
        import pandas

        rows = [{**TRIAL_COLUMNS, **row} for row in trials]
        columns = ["number", *TRIAL_COLUMNS]
        table = pandas.DataFrame(rows, columns=None if rows else columns).set_index("number").sort_index()
        for column in ("started", "ended"):
            table[column] = pandas.to_datetime(table[column], utc=True)
        for column in ("score", "seconds", "num_weights"):
            table[column] = pandas.to_numeric(table[column])
        points = list(epochs)
        epoch_table = pandas.DataFrame(points, columns=None if points else ["trial", "epoch"])
        return cls(
            name=name,
            objectives=more.pop("objectives", (Objective(metric, direction),)),
            trials=table,
            epochs=epoch_table.sort_values(["trial", "epoch"], ignore_index=True),
            **more,
        )

    @property
    def metric(self) -> str:
        """The metric that ranks the trials."""
        return self.objectives[0].metric

    @property
    def direction(self) -> str:
        """`"maximize"` or `"minimize"`."""
        return self.objectives[0].direction

    @cached_property
    def completed(self) -> "pandas.DataFrame":
        """The completed trials that have a score, best first; of equal ones the healthier gradient first."""
        scored = self.trials[(self.trials["state"] == "completed") & self.trials["score"].notna()]
        sign = -1.0 if self.objectives[0].maximizes else 1.0
        keys = [
            precedence(
                [sign * row["score"]],
                health=row.get("metric.health/score"),
                num_parameters=row["num_weights"],
                number=int(number),
            )
            for number, row in scored.iterrows()
        ]
        return scored.iloc[sorted(range(len(keys)), key=keys.__getitem__)]

    @cached_property
    def leaderboard(self) -> "pandas.DataFrame":
        """The completed trials that lead, with the interval of each score; see `leaderboard.leaderboard`."""
        return leaderboard(self)

    @cached_property
    def layers(self) -> "pandas.DataFrame":
        """One row per trial, epoch and layer: `LAYER_COLUMNS`, from input (depth 0) to output.

        `gradient_rms` is in units of loss per unit of weight, `saturation` a share in [0, 1], `limit` is L;
        what is not known of a layer is nan.
        """
        import pandas

        tables = (_layer_table(number, self.gradients[number]) for number in sorted(self.gradients))
        parts = [table for table in tables if table is not None]
        columns: dict[str, Any] = {
            name: np.concatenate([part[name] for part in parts]) if parts else [] for name in LAYER_COLUMNS
        }
        return pandas.DataFrame(columns, columns=list(LAYER_COLUMNS))

    def title(self, number: int) -> str:
        """A trial in a few words, for example `trial 3 · ar · tanh`."""
        row = self.trials.loc[number]
        activation = row.get("param.activation", "")
        words = [f"trial {number}", row["family"], activation if isinstance(activation, str) else ""]
        return " · ".join(word for word in words if word)


def _layer_table(number: int, arrays: Arrays) -> dict[str, NDArray[Any]] | None:
    gradient_rms, names = np.asarray(arrays["gradient_rms"], float), [str(n) for n in arrays["layers"]]
    num_epochs, num_layers = gradient_rms.shape
    if not gradient_rms.size:
        return None
    return {
        "trial": np.full(gradient_rms.size, number),
        "epoch": np.repeat(np.arange(1, num_epochs + 1), num_layers),
        "depth": np.tile(np.arange(num_layers), num_epochs),
        "layer": np.tile(np.array(names, dtype=object), num_epochs),
        "gradient_rms": gradient_rms.ravel(),
        "saturation": _of_layers(arrays, "saturation", names, num_epochs).ravel(),
        "limit": _of_layers(arrays, "limit", names, num_epochs).ravel(),
    }


def _of_layers(arrays: Arrays, statistic: str, names: list[str], num_epochs: int) -> NDArray[np.float64]:
    """A statistic that only some layers have, with nan for the others; shape (epochs, layers)."""
    spread = np.full((num_epochs, len(names)), np.nan)
    if statistic in arrays and f"{statistic}_layers" in arrays:
        values = np.asarray(arrays[statistic], float)
        for column, name in enumerate(arrays[f"{statistic}_layers"]):
            if str(name) in names and len(values) == num_epochs:
                spread[:, names.index(str(name))] = values[:, column]
    return spread
