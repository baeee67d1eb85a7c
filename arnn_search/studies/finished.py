"""The trials that have ended since somebody last looked, found without going through all of them."""

from collections.abc import Sequence
from itertools import islice

from optuna.trial import FrozenTrial


class Finished:
    """Remembers which trials it has seen at their end.

    Attributes:
        num_settled: how many trials from the first on have ended without a gap.
    """

    def __init__(self) -> None:
        self.num_settled = 0
        self._seen: set[int] = set()

    def news(self, trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
        """The trials that have ended and were not among the news before, in order of the number."""
        new = []
        for trial in islice(trials, self.num_settled, None):
            if trial.state.is_finished() and trial.number not in self._seen:
                new.append(trial)
                self._seen.add(trial.number)
        while self.num_settled in self._seen:
            self._seen.remove(self.num_settled)
            self.num_settled += 1
        return new
