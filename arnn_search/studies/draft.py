"""What a trial is built from before it is written down: one proposal, or the best of several candidates."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from arnn_search.spaces.parameters import Parameter, Value
from arnn_search.studies.engines.engine import Proposal
from arnn_search.trials.channel import Built


@dataclass(frozen=True)
class Contest:
    """How many candidates compete for one trial, and for how long.

    Attributes:
        candidates: proposals for each trial, at least 1; with 1 nothing competes.
        steps: training steps of each, at least 1.
    """

    candidates: int = 1
    steps: int = 12


@dataclass(frozen=True)
class Candidate:
    """One that has competed.

    Attributes:
        proposal: the engine's.
        values: of its parameters, by name.
        loss: mean training loss of the later half of its steps; infinity if it is not finite.
        built: what it was when it was admitted.
    """

    proposal: Proposal
    values: dict[str, Value]
    loss: float
    built: Built


class Draft:
    """The proposal at hand, and the values that the trial has asked it for.

    Args:
        proposal: the first.
        propose_again: makes another one for the same trial, from how many were made after the first; None if
            the engine cannot, or the values are settled: then nothing competes.
        contest: how many of the first proposals compete; the one that learns fastest is taken.

    Attributes:
        proposal: the one at hand.
        values: what it was asked for so far, by name.
        unwritten: the parameters that are not in the ledger yet, in the order in which they were asked for.
        resampled: how many were made because what they stand for had been evaluated.
        candidates: those that have competed so far.
        is_contest: whether anything competes for this trial at all.
    """

    def __init__(
        self, proposal: Proposal, propose_again: Callable[[int], Proposal] | None, contest: Contest
    ) -> None:
        self.proposal, self._propose_again, self.contest = proposal, propose_again, contest
        self.values: dict[str, Value] = {}
        self.unwritten: list[Parameter] = []
        self.resampled = 0
        self.candidates: list[Candidate] = []
        self._left = contest.candidates if contest.candidates > 1 and propose_again is not None else 0
        self.is_contest = self._left > 0
        self._made = 0
        self._taken: Candidate | None = None

    @property
    def competes(self) -> bool:
        """Whether the one at hand is a candidate."""
        return self._left > 0

    @property
    def can_resample(self) -> bool:
        """Whether another proposal can be made."""
        return self._propose_again is not None

    def suggest(self, parameter: Parameter) -> Value:
        """The value of a parameter, of the proposal at hand."""
        value = (
            self._taken.values[parameter.name]
            if self._taken is not None and parameter.name in self._taken.values
            else self.proposal.suggest(parameter)
        )
        self.values[parameter.name] = value
        self.unwritten.append(parameter)
        return value

    def resample(self) -> None:
        """Makes another proposal in place of one that stands for what has been evaluated."""
        self.resampled += 1
        self._take_next()

    @property
    def winner(self) -> Built | None:
        """What was admitted before it won the contest; None while there is none."""
        return self._taken.built if self._taken else None

    def note(self, built: Built | None = None, loss: float = math.inf) -> bool:
        """Notes how the candidate at hand has done; goes on to the next one, or, after the last, to the best.

        Args:
            built: what was admitted; None if it may not, or cannot, be trained.
            loss: of its first steps.

        Returns:
            Whether something else is to be built; False if none of them may be trained.
        """
        if built is not None:
            self.candidates.append(Candidate(self.proposal, dict(self.values), loss, built))
        self._left -= 1
        if self._left:
            self._take_next()
            return True
        if not self.candidates:
            return False
        self._taken = min(self.candidates, key=lambda one: one.loss)
        self.proposal = self._taken.proposal
        self._forget()
        return True

    def _take_next(self) -> None:
        assert self._propose_again is not None
        self._made += 1
        self.proposal, self._taken = self._propose_again(self._made), None
        self._forget()

    def _forget(self) -> None:
        self.values.clear()
        self.unwritten.clear()

    def record(self) -> list[dict[str, Any]]:
        """The candidates in their order; JSON data. A loss is None where it is not finite."""
        return [
            {"loss": one.loss if math.isfinite(one.loss) else None, "parameters": one.values}
            for one in self.candidates
        ]
