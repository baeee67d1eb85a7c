"""Whoever wants to see a study happen: the progress display, or nobody."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from arnn_search.trials.channel import EpochReport
from arnn_search.trials.outcome import TrialOutcome

if TYPE_CHECKING:
    from arnn_search.studies.study import Study


class StudyListener:
    """Does nothing; override what is of interest. Called from the supervisor's thread: be quick."""

    def preparing(self, what: str) -> None:
        """Something that takes a while begins."""

    def study_started(self, study: "Study", *, num_slots: int, num_done: int) -> None:
        """Trials are about to start; `num_done` of them ended earlier."""

    def trial_started(self, number: int, *, attempt: int, slot: str) -> None:
        """A trial was given a slot."""

    def trial_built(self, number: int, *, parameters: Mapping[str, Any], num_parameters: int) -> None:
        """A trial's model was built, with these values."""

    def candidate_ended(self, number: int, loss: float) -> None:
        """One of several candidates for a trial was trained for its first steps; its training loss."""

    def trial_resumed(self, number: int, *, epoch: int) -> None:
        """A trial goes on after an epoch that an earlier attempt has trained; its epochs are told again."""

    def trial_warned(self, number: int, message: str) -> None:
        """Something went wrong in a trial that goes on all the same."""

    def epoch_ended(self, number: int, report: EpochReport) -> None:
        """A trial reported an epoch."""

    def trial_ended(self, number: int, outcome: TrialOutcome, *, value: float | None, again: bool) -> None:
        """An attempt ended; `again` if the trial will be run once more."""

    def tick(self) -> None:
        """Nothing happened for a moment."""

    def waiting(self, reason: str | None) -> None:
        """Nothing can be written at present, for a reason that may pass; None when it has passed."""

    def stopping(self, *, now: bool) -> None:
        """The study was asked to stop: after the running trials, or now."""

    def imported(self, study: str, *, num_trials: int, misfits: Sequence[str]) -> None:
        """Trials of another study are known; `misfits` says what could not be used."""

    def exhausted(self, *, num_trials: int) -> None:
        """The engine has nothing left to propose, though the budget is not used up."""

    def study_ended(self, study: "Study", *, farewell: str | None) -> None:
        """No trial runs any more; `farewell` says what did not reach MLflow, if anything did not."""
