"""What an engine is shown of the past when it proposes a trial."""

from collections.abc import Sequence
from typing import Literal

from optuna.trial import FrozenTrial, TrialState

from arnn_search.studies.engines.engine import PastTrial
from arnn_search.studies.ledger import trial_attributes

Order = Literal["strict", "free"]


class HistoryView:
    """Decides which trials an engine knows about.

    With several workers, what has ended when a trial is proposed is a matter of chance. In strict order a
    proposal knows exactly the trials that are a fixed number behind it, and waits for those to end, so
    that the same seed gives the same study. In free order it knows whatever has ended, and never waits.

    Args:
        order: `"strict"` or `"free"`.
        num_slots: how many trials run at a time.
    """

    def __init__(self, order: Order, *, num_slots: int) -> None:
        self._order = order
        # Twice the slots: one trial that takes long does not leave the other slots idle at once.
        self._lag = 1 if num_slots == 1 else 2 * num_slots

    def can_start(self, number: int, trials: Sequence[FrozenTrial]) -> bool:
        """Whether everything that trial `number` has to know is known."""
        if self._order == "free":
            return True
        return all(trial.state.is_finished() for trial in trials[: max(0, number + 1 - self._lag)])

    def past(self, number: int, trials: Sequence[FrozenTrial]) -> list[PastTrial]:
        """The trials 0 to number - 1, as far as the proposal may know them."""
        known = number if self._order == "free" else max(0, number + 1 - self._lag)
        return [
            as_past_trial(trial) if trial.number < known and trial.state.is_finished() else PastTrial()
            for trial in trials[:number]
        ]


def as_past_trial(trial: FrozenTrial) -> PastTrial:
    """A finished trial of the ledger, as an engine sees it."""
    return PastTrial(
        state=trial.state,
        value=trial.value if trial.state == TrialState.COMPLETE else None,
        parameters=trial.params,
        distributions=trial.distributions,
        intermediate_values=trial.intermediate_values,
        notes=trial_attributes(trial).get("notes", {}),
    )
