"""The past as Optuna's samplers and pruners take it, made once for each trial that has ended."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import is_
from typing import TypeVar

from optuna.trial import FrozenTrial, TrialState, create_trial

from arnn_search.studies.engines.engine import PastTrial

K = TypeVar("K")
V = TypeVar("V")


class PastTrials:
    """Turns a history into Optuna's trials; those that have ended are kept, and handed out again.

    Args:
        imported: trials of another study, before all others.
        constrained: whether the sampler knows of constraints. To one that does not, a trial that completed
            and is infeasible is shown as pruned, so that its score attracts nothing.
    """

    def __init__(self, imported: Sequence[PastTrial], *, constrained: bool = True) -> None:
        self._constrained = constrained
        self._imported = [self._as_optuna(past, number) for number, past in enumerate(imported)]
        self._known: list[PastTrial] = []
        self._made: list[FrozenTrial] = []

    def frozen(self, history: Sequence[PastTrial]) -> list[FrozenTrial]:
        """The imported trials and the history's, each with its place as its number; not to be changed."""
        if not (len(self._known) <= len(history) and all(map(is_, self._known, history))):
            self._known, self._made = [], []
        first = len(self._imported)
        for past in history[len(self._known) :]:
            if not past.state.is_finished():
                break
            self._made.append(self._as_optuna(past, first + len(self._known)))
            self._known.append(past)
        start = len(self._known)
        running = [self._as_optuna(past, first + start + index) for index, past in enumerate(history[start:])]
        return [*self._imported, *self._made, *running]

    def _as_optuna(self, past: PastTrial, number: int) -> FrozenTrial:
        if past.state == TrialState.COMPLETE and not (self._constrained or past.is_feasible):
            past = replace(past, state=TrialState.PRUNED)
        trial = create_trial(
            state=past.state,
            values=_scores(past),
            params=_as_dict(past.parameters),
            distributions=_as_dict(past.distributions),
            intermediate_values=_as_dict(past.intermediate_values),
            system_attrs=dict(past.notes),
            constraints=_as_dict(past.constraints),
        )
        trial.distributions = _as_dict(past.distributions)  # Optuna has copied it
        trial.number, trial._trial_id = number, number
        return trial


def _as_dict(past: Mapping[K, V]) -> dict[K, V]:
    """Itself if it is one: what is never changed need not be there twice."""
    return past if isinstance(past, dict) else dict(past)


def _scores(past: PastTrial) -> list[float] | None:
    if past.state != TrialState.COMPLETE:
        return None
    return list(past.values) or (None if past.value is None else [past.value])
