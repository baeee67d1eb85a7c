"""Stops a training in its first steps when its gradients say that it will come to nothing. Pure, no Keras.

The limits are data: from the reference table's tuning half (`benchmarks/steering`), and to be set by whoever
runs a study.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from arnn_search.errors import ConfigurationError
from arnn_search.health.indices import vanishing_index


@dataclass(frozen=True)
class StepWindow:
    """What some training steps in a row showed.

    Attributes:
        done: steps of the epoch that are done with the last of them.
        steps: how many they are, at least 1.
        gradient_rms: mean over the finite ones of the root mean square gradient of each kernel, from the
            first layer to the last; NaN for a kernel that had no finite step.
        nonfinite_steps: how many of them had a gradient that was not finite.
        loss: mean training loss over them.
    """

    done: int
    steps: int
    gradient_rms: tuple[float, ...]
    nonfinite_steps: int
    loss: float

    def is_at_chance(self, chance_loss: float, margin: float) -> bool:
        """Whether the loss is not below that of a constant answer by more than the share `margin`."""
        return self.loss > chance_loss * (1 - margin)

    @property
    def vanishing_index(self) -> float:
        """V of the steps' mean gradients."""
        return vanishing_index(self.gradient_rms)

    @property
    def is_dead(self) -> bool:
        """Whether some kernel received no gradient at all: every unit behind it is dead."""
        return any(value == 0 for value in self.gradient_rms)


@dataclass(frozen=True)
class StopReason:
    """Why a training is stopped.

    Attributes:
        name: a few words, the same for the same cause.
        message: one sentence for people.
    """

    name: str
    message: str


@dataclass(frozen=True)
class HealthRule:
    """When a training is stopped within its first epoch.

    Each of these stops it, once `patience` windows in a row show it:

    - steps whose gradients are not finite: at least the share `max_nonfinite` of the window's;
    - a kernel that receives no gradient at all, while the loss is at chance: all units behind it are dead;
    - a gradient that vanishes (V below `min_vanishing_index`) or explodes (V above `max_vanishing_index`)
      while the loss is at chance.

    At chance is a loss that is not below that of the best constant answer by more than `chance_margin`.
    Without a known chance loss, only gradients that are not finite stop anything.

    Attributes:
        window_steps: steps from one look to the next.
        patience: windows in a row that must show the same.
        first_step: before which nothing is stopped.
        last_step: after which nothing is looked at any more.
        min_vanishing_index: in decades, negative.
        max_vanishing_index: in decades, positive.
        chance_margin: share of the chance loss, at least 0.
        max_nonfinite: share of a window's steps, in (0, 1].
    """

    window_steps: int = 4
    patience: int = 2
    first_step: int = 16
    last_step: int = 64
    min_vanishing_index: float = -2.0
    max_vanishing_index: float = 2.0
    chance_margin: float = 0.02
    max_nonfinite: float = 0.5

    def __post_init__(self) -> None:
        if self.window_steps < 1 or self.patience < 1:
            raise ConfigurationError(
                "`window_steps` and `patience` must be at least 1. Received: "
                f"{self.window_steps} and {self.patience}."
            )
        if not 0 < self.max_nonfinite <= 1:
            raise ConfigurationError(f"`max_nonfinite` is a share. Received: {self.max_nonfinite}.")

    def reason_to_stop(self, windows: Sequence[StepWindow], *, chance_loss: float) -> StopReason | None:
        """Judges what the windows of the first epoch have shown so far.

        Args:
            windows: from the first on.
            chance_loss: of the best constant answer; NaN if it is not known.

        Returns:
            Why to stop, or None to go on.
        """
        last = windows[-self.patience :]
        if len(last) < self.patience or last[-1].done < self.first_step:
            return None
        if all(one.nonfinite_steps >= self.max_nonfinite * one.steps for one in last):
            return StopReason("non-finite gradients", "gradients were not finite.")
        if math.isnan(chance_loss) or not all(
            one.is_at_chance(chance_loss, self.chance_margin) for one in last
        ):
            return None
        at_chance = f"while the loss was {last[-1].loss:.4g}, at chance ({chance_loss:.4g})."
        if all(one.is_dead for one in last):
            return StopReason("dead units", f"a layer received no gradient {at_chance}")
        if all(one.vanishing_index < self.min_vanishing_index for one in last):
            return StopReason("vanishing gradient", f"V was {last[-1].vanishing_index:.1f} {at_chance}")
        if all(one.vanishing_index > self.max_vanishing_index for one in last):
            return StopReason("exploding gradient", f"V was {last[-1].vanishing_index:.1f} {at_chance}")
        return None


@dataclass(frozen=True)
class ProbeLimits:
    """Which networks are not trained at all, for their health at initialisation.

    Attributes:
        min_initial_vanishing_index: V in decades, negative: of what the last layer receives, what
            reaches the first.
        max_initial_vanishing_index: V in decades, positive.
        min_initial_collapse: C in decades, negative.
    """

    min_initial_vanishing_index: float = -2.0
    max_initial_vanishing_index: float = 2.5
    min_initial_collapse: float = -2.5

    def __post_init__(self) -> None:
        for field, sign in (
            ("min_initial_vanishing_index", -1),
            ("max_initial_vanishing_index", 1),
            ("min_initial_collapse", -1),
        ):
            if getattr(self, field) * sign <= 0:
                raise ConfigurationError(
                    f"`{field}` must be {'above' if sign > 0 else 'below'} 0. "
                    f"Received: {getattr(self, field)}."
                )

    def constraints(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """How far each limit is exceeded, relative to the limit; at most 0 where it is kept.

        Args:
            metrics: of the probe, `initial_health/...`; what is not among them breaks no limit.
        """
        vanishing = metrics.get("initial_health/vanishing_index", 0.0)
        collapse = metrics.get("initial_health/collapse", 0.0)
        return {
            "min_initial_vanishing_index": vanishing / self.min_initial_vanishing_index - 1,
            "max_initial_vanishing_index": vanishing / self.max_initial_vanishing_index - 1,
            "min_initial_collapse": collapse / self.min_initial_collapse - 1,
        }
