"""What an engine is shown of the past when it proposes a trial."""

from collections.abc import Sequence
from typing import Literal

from optuna.trial import FrozenTrial, TrialState

from arnn_search.studies.engines.engine import PastTrial
from arnn_search.studies.finished import Finished
from arnn_search.studies.ledger import trial_attribute, trial_attributes, trial_rungs

Order = Literal["strict", "free"]


class HistoryView:
    """Decides which trials an engine knows about.

    With several workers, what has ended when a trial is proposed is a matter of chance. In strict order a
    proposal knows exactly the trials that are a fixed number behind it, and waits for those to end, so
    that the same seed gives the same study. In free order it knows whatever has ended, and never waits.

    A view is for the trials of one study: those that have ended it reads once.

    Args:
        order: `"strict"` or `"free"`.
        num_slots: how many trials run at a time.
        needs_values: whether the parameters of trials that still run are shown too; then a trial waits
            until those before it have been built.
    """

    def __init__(self, order: Order, *, num_slots: int, needs_values: bool = False) -> None:
        self._order, self._needs_values = order, needs_values
        # Twice the slots: one trial that takes long does not leave the other slots idle at once.
        self._lag = 1 if num_slots == 1 else 2 * num_slots
        self._finished = Finished()
        self._past: dict[int, PastTrial] = {}
        self._settled: list[PastTrial] = []

    def num_known(self, number: int) -> int:
        """How many trials' ends trial `number` has to know, or, in free order, may know."""
        return number if self._order == "free" else max(0, number + 1 - self._lag)

    def can_start(self, number: int, trials: Sequence[FrozenTrial], *, num_known: int | None = None) -> bool:
        """Whether everything that trial `number` has to know is known."""
        self._look_at(trials)
        settled = len(self._settled)
        if self._needs_values and not all(_is_built(trial) for trial in trials[settled:number]):
            return False
        if self._order == "free":
            return True
        known = self.num_known(number) if num_known is None else num_known
        return all(trial.state.is_finished() for trial in trials[settled:known])

    def past(
        self, number: int, trials: Sequence[FrozenTrial], *, num_known: int | None = None
    ) -> list[PastTrial]:
        """The trials 0 to number - 1, as far as the proposal may know them."""
        self._look_at(trials)
        known = self.num_known(number) if num_known is None else num_known
        settled = self._settled[: min(known, number)]
        return settled + [
            self._ended(trial)
            if trial.number < known and trial.state.is_finished()
            else _as_running_trial(trial, needs_values=self._needs_values)
            for trial in trials[len(settled) : number]
        ]

    def _look_at(self, trials: Sequence[FrozenTrial]) -> None:
        """Makes what has ended since the last look, once: it stays as it is."""
        for trial in self._finished.news(trials):
            self._past[trial.number] = as_past_trial(trial)
        while len(self._settled) in self._past:
            self._settled.append(self._past.pop(len(self._settled)))

    def _ended(self, trial: FrozenTrial) -> PastTrial:
        if trial.number < len(self._settled):
            return self._settled[trial.number]
        return self._past[trial.number]


def as_past_trial(trial: FrozenTrial) -> PastTrial:
    """A trial of the ledger, as an engine sees it."""
    if not trial.state.is_finished():
        return _as_running_trial(trial, needs_values=False)
    attributes, rungs = trial_attributes(trial), trial_rungs(trial)
    completed = trial.state == TrialState.COMPLETE
    return PastTrial(
        state=trial.state,
        value=trial.values[0] if completed and not rungs else None,
        values=tuple(trial.values) if completed and rungs else (),
        rungs=rungs,
        parameters=trial.params,
        distributions=trial.distributions,
        intermediate_values=trial.intermediate_values,
        notes=attributes.get("notes", {}),
        opening=attributes.get("opening", {}),
        constraints=trial.constraints,
        race={int(step): float(loss) for step, loss in attributes.get("race", {}).items()},
    )


def _as_running_trial(trial: FrozenTrial, *, needs_values: bool) -> PastTrial:
    opening = trial_attribute(trial, "opening", {})
    if not needs_values:
        return PastTrial(opening=opening)
    return PastTrial(parameters=trial.params, distributions=trial.distributions, opening=opening)


def _is_built(trial: FrozenTrial) -> bool:
    return trial.state.is_finished() or "num_parameters" in trial_attributes(trial)
