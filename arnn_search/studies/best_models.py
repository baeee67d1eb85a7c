"""What is kept up to date after every trial: the models of the best, and the best score so far."""

from pathlib import Path

from optuna.trial import FrozenTrial, TrialState

from arnn_search.studies.finished import Finished
from arnn_search.studies.layout import StudyLayout
from arnn_search.studies.ledger import Ledger, is_feasible, last_reported
from arnn_search.studies.ranking import rank
from arnn_search.tracking import NullTracker, Tracker


class BestModels:
    """Deletes the model files of all but the best trials; of several objectives, the whole front is kept.

    A trial that was outdone by enough others stays outdone, so only the kept ones are compared with what is
    new. Where repeats of an architecture are averaged that is not so, and all trials are ranked.

    Args:
        ledger: of the study.
        layout: its folder.
        keep: how many models are kept, at least 1.
        average: whether trials of the same architecture are ranked by their mean.
    """

    def __init__(self, ledger: Ledger, layout: StudyLayout, *, keep: int, average: bool = False) -> None:
        self._ledger, self._layout, self._keep, self._average = ledger, layout, keep, average
        self._finished = Finished()
        self._kept: list[FrozenTrial] = []

    def update(self) -> None:
        """Takes the trials into account that have ended since the last call."""
        trials = self._ledger.trials()
        completed = [trial for trial in self._finished.news(trials) if trial.state == TrialState.COMPLETE]
        if not completed:
            return
        for trial in completed:
            if not is_feasible(trial):
                self._model(trial).unlink(missing_ok=True)
        candidates = trials if self._average else [*self._kept, *completed]
        places = list(rank(candidates, self._ledger.directions, average=self._average))
        leaders = sum(place.is_leader for place in places)
        keep = max(self._keep, leaders) if len(self._ledger.directions) > 1 else self._keep
        self._kept = [place.trial for place in places[:keep]]
        for place in places[keep:]:
            self._model(place.trial).unlink(missing_ok=True)

    def _model(self, trial: FrozenTrial) -> Path:
        return self._layout.trial(trial.number) / "model.keras"


class Progress:
    """Tracks the best score so far over the trials that have ended, in the study's own run.

    Args:
        ledger: of the study.
        tracker: MLflow.
    """

    def __init__(self, ledger: Ledger, tracker: Tracker | NullTracker) -> None:
        self._ledger, self._tracker = ledger, tracker
        recorded = ledger.attributes
        metric = [[recorded["metric"], ledger.direction]]
        self._names = [name for name, _ in recorded.get("objectives", metric)]
        self._finished, self._num_finished = Finished(), 0
        self._last_epoch = 0
        self._best: dict[str, float] = {}

    def update(self) -> None:
        """Takes the trials into account that have ended since the last call."""
        for trial in self._finished.news(self._ledger.trials()):
            self._num_finished += 1
            self._last_epoch = max(self._last_epoch, last_reported(trial))
            if trial.state != TrialState.COMPLETE or not is_feasible(trial):
                continue
            scores = zip(self._names, self._ledger.directions, trial.values, strict=True)
            for name, direction, score in scores:
                better = max if direction == "maximize" else min
                self._best[name] = better(self._best.get(name, score), score)
        metrics = {"trials_finished": float(self._num_finished)}
        metrics |= {f"best_{name}": score for name, score in self._best.items()}
        if self._num_finished:
            # With so many trials ended it is always this time: told again, it adds no point.
            self._tracker.log_metrics(
                None, metrics, self._num_finished, milliseconds=self._last_epoch or None
            )
