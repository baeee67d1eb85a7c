"""The limit L as a trainable weight: positive by construction, within bounds if there are any.

The weight is unconstrained; L = softplus(weight), from a lower bound on L = low + softplus(weight), and up to
an upper bound L = low + (high - low) sigmoid(weight), with low = 0 where there is none.
"""

from typing import Any

import numpy as np
from keras import ops

Bounds = tuple[float | None, float | None]

_SMALLEST = 1e-6
# A start on a bound would sit where the sigmoid has no slope.
_MARGIN = 1e-3


def check_limit(limit: Any) -> float | None:
    """The limit as a float.

    Raises:
        ValueError: it is not positive and finite.
    """
    if limit is None:
        return None
    try:
        value = float(limit)
    except (TypeError, ValueError):
        value = 0.0
    if not 0.0 < value < float("inf"):
        raise ValueError(f"`limit` must be positive and finite. Received: {limit!r}.")
    return value


def check_limit_bounds(bounds: Any) -> Bounds | None:
    """The bounds as floats; None stands for an end that is open.

    Raises:
        ValueError: they are not `(low, high)` with finite 0 < low < high, or neither end is given.
    """
    if bounds is None:
        return None
    try:
        low, high = (None if bound is None else float(bound) for bound in bounds)
    except (TypeError, ValueError):
        low = high = None
    given = [bound for bound in (low, high) if bound is not None]
    if not given or not all(0.0 < bound < float("inf") for bound in given) or given != sorted(set(given)):
        raise ValueError(
            "`limit_bounds` must be (low, high) with finite 0 < low < high; one of them may be None. "
            f"Received: {bounds!r}."
        )
    return low, high


def check_learning_rate_factor(factor: Any) -> float:
    """The factor as a float.

    Raises:
        ValueError: it is not positive and finite.
    """
    try:
        value = float(factor)
    except (TypeError, ValueError):
        value = 0.0
    if not 0.0 < value < float("inf"):
        raise ValueError(f"`limit_learning_rate_factor` must be positive and finite. Received: {factor!r}.")
    return value


def limit_of(weight: Any, *, bounds: Bounds | None, learning_rate_factor: float) -> Any:
    """L of its weight.

    The weight is stored divided by the learning-rate factor, and its gradient is passed on as it is: so a
    step of the optimizer moves L's parameter by `learning_rate_factor` steps, whether the optimizer scales
    gradients (SGD) or normalises them (Adam).

    Args:
        weight: shape `()` or `(units,)`.
        bounds: what L stays between, or None.
        learning_rate_factor: as in `weight_of`.
    """
    parameter = weight + ops.stop_gradient((learning_rate_factor - 1.0) * weight)
    low, high = bounds or (None, None)
    span = None if high is None else high - (low or 0.0)
    above = ops.softplus(parameter) if span is None else span * ops.sigmoid(parameter)
    # Not 0 even where softplus or sigmoid underflow.
    return ops.maximum(above, _SMALLEST) if low is None else low + above


def weight_of(limit: float, *, bounds: Bounds | None, learning_rate_factor: float) -> float:
    """The weight at which L is `limit`; the inverse of `limit_of`, in NumPy.

    Raises:
        ValueError: the limit is not within the bounds.
    """
    low, high = bounds or (None, None)
    above = limit - (low or 0.0)
    if above < 0.0 or (high is not None and limit > high):
        raise ValueError(f"`limit` must lie within `limit_bounds` {bounds}. Received: {limit}.")
    if high is None:
        above = above if low is None else max(above, _MARGIN)
        return float(above + np.log(-np.expm1(-above))) / learning_rate_factor
    share = np.clip(above / (high - (low or 0.0)), _MARGIN, 1.0 - _MARGIN)
    return float(np.log(share / (1.0 - share))) / learning_rate_factor
