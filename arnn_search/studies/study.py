"""A study to look at: what it is, how far it has come, its trials, the best of them."""

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout
from optuna.trial import FrozenTrial

from arnn_search.errors import StudyError
from arnn_search.studies.config import StudyConfig, make_config
from arnn_search.studies.config_file import read_config_file
from arnn_search.studies.layout import StudyLayout, data_cache, find_layout
from arnn_search.studies.ledger import (
    Ledger,
    best_metrics,
    open_ledger,
    reported_epochs,
    trial_attribute,
    trial_attributes,
    trial_epochs,
)
from arnn_search.studies.ranking import Place, rank

if TYPE_CHECKING:
    import pandas

    from arnn_search.data import DataSpec
    from arnn_search.export import ExportReport


_NESTED = ("parameters", "metrics", "values", "repeats", "mean", "interval")
"""Fields of a trial that are no columns of a table of trials as they are."""


@dataclass(frozen=True)
class Trial:
    """A trial as it stands.

    Attributes:
        number: from 0.
        state: `"running"`, `"interrupted"`, `"completed"`, `"pruned"`, `"failed"` or `"infeasible"`.
        reason: why it ended, in the words by which trials can be grouped.
        message: one sentence more, if there is one.
        value: the score, the best over the epochs; None if there is none.
        parameters: as the space names them.
        metrics: everything reported in the epoch of the score (or the last one), by name in MLflow.
        epochs: how many epochs were reported.
        best_epoch: the epoch of the score and of the kept weights, from 1; 0 if there is none.
        seconds: wall time of the last attempt; NaN while it runs.
        device: the slot it ran in.
        attempt: 1, or more if it was run again.
        architecture: the hash of the network and its training choices; empty if it was never built.
        num_parameters: weights of the model; 0 if it was never built.
        model: the file with the trained model, if it is kept.
        values: the score in each objective, by name; empty if there are none.
        repeats: how many completed trials of this architecture the mean is of.
        mean: their mean score, if repeats are averaged.
        interval: in which that mean lies with 95 % confidence; None for a single one.
        training_seconds: wall time of the training alone; NaN while it runs.
        batch_size: samples per training step, if they are not the study's; else None.
        candidates: what competed for it, in order: `loss` of the first steps (None if not finite) and
            `parameters`; empty if nothing did.
    """

    number: int
    state: str
    reason: str
    message: str
    value: float | None
    parameters: dict[str, Any]
    metrics: dict[str, float]
    epochs: int
    best_epoch: int
    seconds: float
    device: str
    attempt: int
    architecture: str
    num_parameters: int
    model: Path | None = field(repr=False)
    values: dict[str, float] = field(default_factory=dict)
    repeats: int = 1
    mean: float | None = None
    interval: tuple[float, float] | None = None
    training_seconds: float = math.nan
    batch_size: int | None = None
    candidates: tuple[Mapping[str, Any], ...] = ()

    @property
    def family(self) -> str:
        """The layer family, if the space has a parameter of that name."""
        return str(self.parameters.get("family", ""))


class Study:
    """A study in its folder; reading it changes nothing, also while it runs.

    Args:
        name: the study's name; None for the one that was started or resumed last.
        directory: the folder that holds the studies.
        storage: where a shared ledger is, if it takes more than the recorded address, which has no password.

    Raises:
        UnknownNameError: there is no study of this name; lists the nearest.
        StudyError: there is no study at all, or the database with its ledger does not answer.
    """

    def __init__(
        self,
        name: str | None = None,
        *,
        directory: str | Path = "arnn-studies",
        storage: str | None = None,
    ) -> None:
        self.layout = find_layout(Path(directory), name)
        self._ledger = open_ledger(
            self.layout.directory, self.layout.name, storage=storage or self.config.storage
        )

    def __repr__(self) -> str:
        return f"Study({self.name!r}, directory={str(self.layout.directory.parent)!r})"

    @property
    def name(self) -> str:
        """The study's name."""
        return self.layout.name

    @property
    def config(self) -> StudyConfig:
        """What the study was told, defaults included."""
        return make_config(read_config_file(self.layout.config), source=str(self.layout.config))

    @property
    def attributes(self) -> dict[str, Any]:
        """What was noted about the study: metric, versions, hashes, the test score."""
        return self._ledger.attributes

    @property
    def metric(self) -> str:
        """The reported metric that is the score."""
        return str(self.attributes["metric"])

    @property
    def direction(self) -> str:
        """`"maximize"` or `"minimize"`."""
        return self._ledger.direction

    @property
    def data_directory(self) -> Path:
        """The folder of the prepared data."""
        return data_cache(self.layout.directory.parent) / str(self.attributes["data_key"])

    @property
    def data_spec(self) -> "DataSpec":
        """What the data are.

        Raises:
            StudyError: the prepared data are gone.
        """
        from arnn_search.data import open_prepared

        if not self.data_directory.is_dir():
            raise StudyError(
                f"The prepared data of study {self.name!r} are gone ({self.data_directory}). "
                f"`arnn-search resume {self.name}` prepares them again."
            )
        return open_prepared(self.data_directory).spec

    @property
    def is_running(self) -> bool:
        """Whether a supervisor is at work on it on this machine."""
        lock = FileLock(self.layout.lock)
        try:
            with lock.acquire(timeout=0):
                return False
        except Timeout:
            return True

    @property
    def trials(self) -> list[Trial]:
        """Every trial, by number."""
        return self._shown(self._ledger.trials())

    @property
    def counts(self) -> Counter[str]:
        """How many trials are in which state; of a large study much sooner known than `trials`."""
        unfinished = self._unfinished
        return Counter(_state(trial, unfinished) for trial in self._ledger.trials())

    def latest(self, size: int) -> list[Trial]:
        """Every trial that has not ended, and the last `size` of all, by number."""
        trials = self._ledger.trials()
        start = max(0, len(trials) - size)
        return self._shown(
            [trial for trial in trials[:start] if not trial.state.is_finished()] + trials[start:]
        )

    @property
    def leaderboard(self) -> list[Trial]:
        """The completed trials that keep every limit, best first.

        Of equal scores the healthier gradient comes first, then the smaller network, then the earlier trial.
        Of several objectives, the Pareto front, best first in the first of them. Where repeats of an
        architecture are averaged, one trial for each, by the mean.
        """
        return self.leaders()

    def leaders(self, size: int | None = None) -> list[Trial]:
        """The first `size` of the leaderboard; all of it if that is None."""
        average = self.config.duplicates == "repeat"
        places = rank(self._ledger.trials(), self._ledger.directions, average=average)
        objectives = _recorded_objectives(self._ledger)
        leading = itertools.islice((place for place in places if place.is_leader), size)
        return [_as_ranked(place, self.layout, objectives) for place in leading]

    @property
    def objectives(self) -> dict[str, str]:
        """The direction of each objective, by name."""
        recorded = self.attributes.get("objectives") or [[self.metric, self.direction]]
        return {name: direction for name, direction in recorded}

    @property
    def best_trial(self) -> Trial:
        """The completed trial with the best score.

        Raises:
            StudyError: no trial has completed.
        """
        leaderboard = self.leaders(1)
        if not leaderboard:
            counts = ", ".join(f"{count} {state}" for state, count in sorted(self.counts.items()))
            raise StudyError(f"Study {self.name!r} has no completed trial yet ({counts or 'no trials'}).")
        return leaderboard[0]

    @property
    def _unfinished(self) -> str:
        return "running" if self.is_running else "interrupted"

    def _shown(self, trials: Sequence[FrozenTrial]) -> list[Trial]:
        unfinished, objectives = self._unfinished, _recorded_objectives(self._ledger)
        return [_as_trial(trial, self.layout, objectives, unfinished) for trial in trials]

    def trial(self, number: int) -> Trial:
        """One trial.

        Raises:
            StudyError: there is no trial of this number.
        """
        trials = self.trials
        if not 0 <= number < len(trials):
            numbers = f"0 to {len(trials) - 1}" if trials else "none yet"
            raise StudyError(f"Study {self.name!r} has no trial {number}; its trials are {numbers}.")
        return trials[number]

    def epochs_of(self, number: int) -> dict[int, dict[str, float]]:
        """What a trial reported, by epoch from 1; without the gradients of single layers.

        Raises:
            StudyError: there is no trial of this number.
        """
        return trial_epochs(self._ledger.trials()[self.trial(number).number])

    def to_frame(self) -> "pandas.DataFrame":
        """A table with one row per trial: outcome, `param.<name>` and `metric.<name>` columns."""
        import pandas

        rows = []
        for trial in self.trials:
            row = {name: value for name, value in vars(trial).items() if name not in _NESTED}
            row |= {f"param.{name}": value for name, value in trial.parameters.items()}
            rows.append(row | {f"metric.{name}": value for name, value in trial.metrics.items()})
        return pandas.DataFrame(rows).set_index("number") if rows else pandas.DataFrame()

    def export(
        self,
        path: str | Path,
        *,
        trial: int | None = None,
        formats: Sequence[str] | None = None,
        fold: bool = True,
        raw_inputs: bool | None = None,
        refit: bool = False,
        overwrite: bool = False,
    ) -> "ExportReport":
        """Writes the best trial's model, or that of `trial`, as verified files.

        Args:
            path: a file that ends in `.keras`, `.onnx` or `.tflite`, or a folder.
            trial: the trial's number; None for the best.
            formats: of `"keras"`, `"savedmodel"`, `"onnx"`, `"litert"`, `"python"` and `"config"`; None for
                that of the file's ending, or all of them in a folder.
            fold: whether auto-rotating layers become stock Keras layers.
            raw_inputs: whether the files scale their inputs themselves; None: in a folder yes, in a single
                file no.
            refit: whether to take the model that `arnn-search rerun --refit` has retrained.
            overwrite: whether existing files may be replaced.

        Returns:
            The report: what was written and the scores it gave when it was opened again.

        Raises:
            ExportError: there is nothing to export, or a file did not give the recorded score.
        """
        from arnn_search.export import export_trial

        return export_trial(
            self,
            Path(path),
            trial=trial,
            formats=formats,
            fold=fold,
            raw_inputs=raw_inputs,
            refit=refit,
            overwrite=overwrite,
        )


def ranked(ledger: Ledger, layout: StudyLayout, *, average: bool = False) -> tuple[list[Trial], list[Trial]]:
    """The completed trials of a ledger: those of the leaderboard, and the others, each best first."""
    objectives = _recorded_objectives(ledger)
    leaders: list[Trial] = []
    others: list[Trial] = []
    for place in rank(ledger.trials(), ledger.directions, average=average):
        (leaders if place.is_leader else others).append(_as_ranked(place, layout, objectives))
    return leaders, others


def _as_ranked(place: Place, layout: StudyLayout, objectives: tuple[str, list[str]]) -> Trial:
    trial = _as_trial(place.trial, layout, objectives, "running")
    return replace(trial, mean=place.mean, interval=place.interval, repeats=place.repeats)


def _recorded_objectives(ledger: Ledger) -> tuple[str, list[str]]:
    """The study's metric, and the names of all objectives."""
    recorded = ledger.attributes
    metric = str(recorded["metric"])
    return metric, [name for name, _ in recorded.get("objectives", [[metric, ""]])]


def _state(trial: FrozenTrial, unfinished: str) -> str:
    return str(trial_attribute(trial, "state", "failed")) if trial.state.is_finished() else unfinished


def _as_trial(
    trial: FrozenTrial, layout: StudyLayout, objectives: tuple[str, list[str]], unfinished: str
) -> Trial:
    attributes, epochs = trial_attributes(trial), reported_epochs(trial)
    model = layout.trial(trial.number) / "model.keras"
    metric, names = objectives
    values = dict(zip(names, trial.values or [], strict=False)) if trial.state.name == "COMPLETE" else {}
    metrics = best_metrics(trial)
    best = attributes.get("best_epoch") or (max(epochs) if epochs else 0)
    return Trial(
        number=trial.number,
        state=_state(trial, unfinished),
        reason=attributes.get("reason", "") if trial.state.is_finished() else "",
        message=attributes.get("message", ""),
        value=(values.get(metric, metrics.get(metric)) if trial.state.is_finished() else None),
        values=values,
        parameters=dict(trial.params),
        metrics=metrics,
        epochs=len(epochs),
        best_epoch=best,
        seconds=attributes.get("seconds", math.nan),
        device=attributes.get("device", ""),
        attempt=attributes.get("attempt", 1),
        architecture=attributes.get("architecture", ""),
        num_parameters=attributes.get("num_parameters", 0),
        model=model if model.is_file() else None,
        training_seconds=attributes.get("training_seconds", math.nan),
        batch_size=attributes.get("batch_size"),
        candidates=tuple(attributes.get("candidates", ())),
    )
