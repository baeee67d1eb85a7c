"""A measure over seeds: its mean, and how sure that is."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from arnn_search.intervals import Interval, mean_interval


@dataclass(frozen=True)
class Measured:
    """A measure of one network over the seeds.

    Attributes:
        mean: over the seeds.
        interval: in which the mean lies with 95 % confidence (Student); None for a single seed.
        values: seed by seed.
    """

    mean: float
    interval: Interval | None
    values: tuple[float, ...]

    def __str__(self) -> str:
        if self.interval is None:
            return f"{self.mean:.3g}"
        return f"{self.mean:.3g} ± {(self.interval[1] - self.interval[0]) / 2:.1g}"

    @classmethod
    def of(cls, values: Sequence[float]) -> "Measured":
        """Of one value for each seed, at least one."""
        return cls(statistics.fmean(values), mean_interval(values), tuple(values))
