"""Which of two trials comes first, wherever trials are ranked."""

import math
from collections.abc import Sequence
from typing import Any


def precedence(
    costs: Sequence[float], *, health: float | None, num_parameters: float | None, number: int
) -> tuple[Any, ...]:
    """A key to sort by, the best first.

    Scores decide. Where they are equal, which accuracies on a few hundred samples often are, the healthier
    gradient does, then the smaller network, then the earlier trial. What is not known comes last.

    Args:
        costs: the scores, with such signs that smaller is better.
        health: the health score in [0, 1] of the model that was scored; None or NaN if it is not known.
        num_parameters: weights of the model; None or NaN if they are not known.
        number: the trial's number.
    """
    return (*costs, -_known(health, -math.inf), _known(num_parameters, math.inf), number)


def _known(value: float | None, otherwise: float) -> float:
    return otherwise if value is None or math.isnan(value) else float(value)
