"""A trial in the race of its study: against whom it runs, and what is written down of it."""

import math
import sys
from collections.abc import Mapping, Sequence

from arnn_search.health.race import StepRace
from arnn_search.studies.engines.engine import PastTrial

_LOST = sys.float_info.max
"""What is not finite is no JSON; it loses to everything that is."""


class Racing:
    """One trial's race.

    Args:
        race: of the study; None: everybody goes on.
        past: the trials that its proposal knew of.
    """

    def __init__(self, race: StepRace | None, past: Sequence[PastTrial]) -> None:
        self._race, self._past = race, past
        self._losses: dict[str, float] = {}

    def resume(self, record: Mapping[str, float]) -> None:
        """Takes over what an attempt has written down, from whose checkpoint the trial goes on."""
        self._losses = dict(record)

    def goes_on(self, step: int, loss: float) -> bool:
        """Notes the training loss at a rung; whether the trial goes on from there."""
        self._losses[str(step)] = loss if math.isfinite(loss) else _LOST
        if self._race is None:
            return True
        others = [known.race[step] for known in self._past if step in known.race]
        goes_on = self._race.goes_on(self._race.rungs.index(step), loss, others)
        if not goes_on:
            self.lose()
        return goes_on

    def lose(self) -> None:
        """The trial was ended: at the rungs to which it did not come it counts as the slowest.

        Else those that come there would be compared with the best alone, and good ones would be stopped for
        the sake of a share.
        """
        rungs = self._race.rungs if self._race else ()
        self._losses = {str(step): _LOST for step in rungs} | self._losses

    def record(self) -> dict[str, float]:
        """The losses by step; JSON data."""
        return dict(self._losses)
