"""Intervals in which a figure lies with 95 % confidence: of a mean, and of a share."""

import math
import statistics
from collections.abc import Sequence

CONFIDENCE = 0.95

Interval = tuple[float, float]


def mean_interval(values: Sequence[float]) -> Interval | None:
    """Student's interval for the mean of a few values; None for fewer than two.

    Example:
        >>> low, high = mean_interval([1.0, 2.0, 3.0])
        >>> round(low, 2), round(high, 2)
        (-0.48, 4.48)
    """
    if len(values) < 2:
        return None
    from scipy.special import stdtrit

    quantile = float(stdtrit(len(values) - 1, (1 + CONFIDENCE) / 2))
    half = quantile * statistics.stdev(values) / math.sqrt(len(values))
    mean = statistics.fmean(values)
    return mean - half, mean + half


def share_interval(share: float, num_samples: int) -> Interval:
    """Wilson's interval for a share that was found in a sample, such as an accuracy.

    Args:
        share: in [0, 1].
        num_samples: of how many samples it is the share, at least 1.

    Example:
        >>> low, high = share_interval(0.97, 270)
        >>> round(low, 3), round(high, 3)
        (0.942, 0.985)

    Reference: E. B. Wilson, "Probable inference, the law of succession, and statistical inference" (1927).
    """
    from scipy.special import ndtri

    quantile = float(ndtri((1 + CONFIDENCE) / 2))
    square = quantile**2 / num_samples
    middle = (share + square / 2) / (1 + square)
    half = quantile / (1 + square) * math.sqrt(share * (1 - share) / num_samples + square / (4 * num_samples))
    return max(0.0, middle - half), min(1.0, middle + half)
