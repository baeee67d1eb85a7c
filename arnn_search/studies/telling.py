"""What MLflow is told of a trial that the ledger knows, and telling it again where it may not have heard.

The ledger is written first. A supervisor that dies in between, or whose disk did not take what was to be
sent, has left trials that MLflow takes for running. Everything is told with the time that the ledger holds,
so that what MLflow has heard already stays one point.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optuna.trial import FrozenTrial, TrialState

from arnn_search.studies.ledger import (
    Ledger,
    best_metrics,
    trial_attributes,
    trial_epochs,
    trial_rungs,
    trial_times,
)
from arnn_search.studies.objectives import MEASURED

if TYPE_CHECKING:
    from arnn_search.studies.layout import StudyLayout
    from arnn_search.tracking import NullTracker, Tracker


def milliseconds_now() -> int:
    """The time since 1970."""
    return time.time_ns() // 1_000_000


def tell_start(
    tracker: "Tracker | NullTracker", trial: FrozenTrial, *, milliseconds: int | None = None
) -> None:
    """Tells where and how an attempt runs."""
    tags = {
        f"arnn.{tag}": value
        for tag in ("device", "attempt", "seed", "batch_size", "resumed_after")
        if (value := trial_attributes(trial).get(tag)) is not None
    }
    tracker.start_trial(trial.number, tags=tags, milliseconds=milliseconds)


def tell_built(tracker: "Tracker | NullTracker", trial: FrozenTrial) -> None:
    """Tells the values of a trial, and what was built of them, as far as it is known."""
    attributes = trial_attributes(trial)
    tags = {
        "arnn.candidates": _candidates_text(attributes.get("candidates", [])),
        "arnn.architecture": attributes.get("architecture"),
        "arnn.parameters": attributes.get("num_parameters"),
        "arnn.family": trial.params.get("family"),
    }
    tracker.set_tags(trial.number, {name: value for name, value in tags.items() if value})
    tracker.log_params(trial.number, trial.params)


def tell_probed(tracker: "Tracker | NullTracker", trial: FrozenTrial) -> None:
    """Tells the health at initialisation, if it was measured."""
    attributes = trial_attributes(trial)
    if "initial_health" in attributes:
        when = attributes.get("probed")
        tracker.log_metrics(trial.number, attributes["initial_health"], 0, milliseconds=when)


def tell_end(
    tracker: "Tracker | NullTracker",
    trial: FrozenTrial,
    *,
    metric: str,
    objectives: Sequence[str],
    gradients: Path,
) -> None:
    """Tells how a trial has ended.

    Args:
        tracker: MLflow.
        trial: that has ended.
        metric: by which its best epoch was chosen.
        objectives: the names of all objectives.
        gradients: the file with the gradient statistics, if there is one.
    """
    attributes = trial_attributes(trial)
    best_epoch = attributes.get("best_epoch", 0)
    value = best_metrics(trial).get(metric) if best_epoch else None
    if gradients.is_file():
        tracker.log_gradients(trial.number, gradients, title=_title(trial, metric, value))
    if attributes.get("message"):
        tracker.set_tags(trial.number, {"arnn.message": attributes["message"]})
    metrics = {} if value is None else {f"best_{metric}": value}
    metrics |= _measured(trial, objectives)
    if metrics:
        when = trial_times(trial).get(best_epoch)
        tracker.log_metrics(trial.number, metrics, best_epoch, milliseconds=when)
    tracker.end_trial(
        trial.number, attributes["state"], attributes["reason"], milliseconds=attributes.get("ended")
    )


def catch_up(
    ledger: Ledger, layout: "StudyLayout", tracker: "Tracker | NullTracker", *, shared: bool
) -> None:
    """Tells of every trial that has ended, but of whose end this machine has not told.

    Args:
        ledger: of the study.
        layout: its folder.
        tracker: MLflow.
        shared: whether other machines tell of the trials that they have started.
    """
    told, recorded = tracker.told(), ledger.attributes
    metric = str(recorded["metric"])
    objectives = [name for name, _ in recorded.get("objectives", [[metric, ""]])]
    for trial in ledger.trials():
        is_started = trial.number in told
        if not trial.state.is_finished() or told.get(trial.number) or (shared and not is_started):
            continue
        if "reason" not in trial_attributes(trial):
            continue
        began = trial_attributes(trial).get("started")
        tell_start(tracker, trial, milliseconds=None if began is None else int(began * 1000))
        tell_built(tracker, trial)
        tell_probed(tracker, trial)
        times = trial_times(trial)
        for epoch, metrics in trial_epochs(trial).items():
            if epoch in times or not is_started:
                tracker.log_metrics(trial.number, metrics, epoch, milliseconds=times.get(epoch))
        gradients = layout.trial(trial.number) / "gradients.npz"
        tell_end(tracker, trial, metric=metric, objectives=objectives, gradients=gradients)


def _measured(trial: FrozenTrial, objectives: Sequence[str]) -> dict[str, float]:
    """The objectives that no epoch reports."""
    values: Sequence[Any] = trial.values if trial.state == TrialState.COMPLETE else ()
    values = values or trial_rungs(trial).get(trial_attributes(trial).get("best_epoch", 0), ())
    named = zip(objectives, values, strict=True) if values else ()
    return {name: score for name, score in named if name in MEASURED}


def _candidates_text(candidates: Sequence[Mapping[str, Any]]) -> str:
    losses = [one["loss"] for one in candidates if one["loss"] is not None]
    if not losses:
        return str(len(candidates) or "")
    return f"{len(candidates)}, training loss {min(losses):.4g} to {max(losses):.4g}"


def _title(trial: FrozenTrial, metric: str, value: float | None) -> str:
    family = trial.params.get("family")
    words = [f"trial {trial.number}", *([str(family)] if family else [])]
    return " · ".join(words + ([f"{metric} {value:.4f}"] if value is not None else []))
