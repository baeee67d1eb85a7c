"""Successive halving in the first training steps: only who learns fastest goes on. Pure, no Keras.

The validation score of an early epoch is a poor judge of some networks: batch normalisation, for one, needs
some tens of steps until its moving statistics are of use, while its training loss has long been falling. The
loss of the last training steps is known to every network, and after a fraction of an epoch.

Reference: the asynchronous successive halving of Li et al., "A System for Massively Parallel Hyperparameter
Tuning", https://arxiv.org/abs/1810.05934, with steps for a resource.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from arnn_search.errors import ConfigurationError


@dataclass(frozen=True)
class StepRace:
    """Which trainings go on at each rung.

    Attributes:
        race_first_rung: training steps before the first rung, at least 1.
        race_factor: how many times as many lie before each next one, at least 2.
        race_rungs: how many rungs there are, at least 1; those beyond a training's end are not run for.
        race_share: of all trainings goes on from the first rung, in (0, 1); rounded up.
        race_share_factor: what remains of that share at each next rung, in (0, 1].
        race_fewest: trainings that must be known at a rung before it stops any, this one included.
    """

    race_first_rung: int = 32
    race_factor: int = 2
    race_rungs: int = 3
    race_share: float = 0.5
    race_share_factor: float = 0.8
    race_fewest: int = 3

    def __post_init__(self) -> None:
        for name, least in (("first_rung", 1), ("factor", 2), ("rungs", 1), ("fewest", 2)):
            value = getattr(self, f"race_{name}")
            if value < least:
                raise ConfigurationError(f"`race_{name}` must be at least {least}. Received: {value}.")
        if not 0 < self.race_share < 1:
            raise ConfigurationError(f"`race_share` is a share below 1. Received: {self.race_share}.")
        if not 0 < self.race_share_factor <= 1:
            raise ConfigurationError(
                f"`race_share_factor` must be above 0 and at most 1. Received: {self.race_share_factor}."
            )

    @property
    def rungs(self) -> tuple[int, ...]:
        """The steps at which it is decided who goes on."""
        return tuple(self.race_first_rung * self.race_factor**index for index in range(self.race_rungs))

    def goes_on(self, rung: int, loss: float, others: Sequence[float]) -> bool:
        """Whether a training goes on from a rung.

        Args:
            rung: its number, from 0 on.
            loss: of its last steps; one that is not finite loses to all that are.
            others: those of the trainings before; infinity for one that was ended before it came to the rung.
        """
        losses = sorted(_comparable(one) for one in (loss, *others))
        if len(losses) < self.race_fewest:
            return True
        share = self.race_share * self.race_share_factor**rung
        kept = math.ceil(len(losses) * share - 1e-9)
        return _comparable(loss) <= losses[kept - 1]


def _comparable(loss: float) -> float:
    return loss if math.isfinite(loss) else math.inf
