"""How often a trial has died: with its process, or with the machine that ran it."""

from typing import TYPE_CHECKING

from optuna.trial import TrialState

from arnn_search.studies.ledger import LedgerTrial, trial_attributes
from arnn_search.studies.listener import StudyListener
from arnn_search.studies.telling import milliseconds_now
from arnn_search.trials.outcome import TrialOutcome

if TYPE_CHECKING:
    from arnn_search.tracking import NullTracker, Tracker

_NAME = "deaths"
"""Of the attribute: the attempts that ended so."""


def count_death(trial: LedgerTrial) -> int:
    """Writes down that the present attempt was one, and returns how many there were.

    An attempt that was ended together with its supervisor is none: whoever resumes the study wants the trial.
    """
    attributes = trial_attributes(trial.recorded)
    attempt = attributes.get("attempt", 0)
    deaths = attributes.get(_NAME, [])
    if attempt not in deaths:
        trial.set_attribute(_NAME, [*deaths, attempt])
    return len({*deaths, attempt})


def give_up(trial: LedgerTrial, tracker: "Tracker | NullTracker", listener: StudyListener) -> None:
    """Ends a trial that was lost with its machine as often as it may be."""
    deaths = len(trial_attributes(trial.recorded)[_NAME])
    message = f"Died {deaths} times, at last with the machine that ran it."
    outcome = TrialOutcome("failed", "machine lost", message)
    for name in ("state", "reason", "message"):
        trial.set_attribute(name, getattr(outcome, name))
    ended = milliseconds_now()
    trial.set_attribute("ended", ended)
    trial.finish(TrialState.FAIL)
    tracker.start_trial(trial.number, tags={"arnn.message": message})
    tracker.end_trial(trial.number, outcome.state, outcome.reason, milliseconds=ended)
    listener.trial_ended(trial.number, outcome, value=None, again=False)
