"""What each operation of a network does to the range of the values that go through it.

Bounds hold at inference: what dropout or noise add while training is left out. What has no bound of its own
is taken to keep within the range that came in, as in the published package.
"""

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from arnn_search.layers._activations import Range, activation_range

NORMALISED_RANGE: Range = (-3.0, 3.0)
"""What a normalisation layer is taken to give: unbounded in theory, three standard deviations in practice."""

EMBEDDED_RANGE: Range = (-1.0, 1.0)
"""What an embedding is taken to give: vectors that are learned, from a start within ±0.05."""

_NORMALISATIONS = (
    keras.layers.BatchNormalization,
    keras.layers.LayerNormalization,
    keras.layers.GroupNormalization,
    keras.layers.RMSNormalization,
)
_PADDINGS = (keras.layers.ZeroPadding1D, keras.layers.ZeroPadding2D, keras.layers.ZeroPadding3D)


def range_after(operation: Any, ranges: list[Range]) -> Range:
    """The range behind a layer, or behind an operation of `keras.ops`.

    Args:
        operation: anything that a functional model holds, other than a model.
        ranges: of its operands, one or more.
    """
    whole = hull(ranges)
    for kinds, rule in _BY_KIND:
        if isinstance(operation, kinds):
            return rule(operation, whole)
    arithmetic = _ARITHMETIC.get(type(operation).__name__)
    if arithmetic is not None:
        return arithmetic(ranges)
    activation = getattr(operation, "activation", None)
    if callable(activation):
        return activation_range(activation, whole)
    if not isinstance(operation, keras.layers.Layer) and len(ranges) == 1:
        return _range_after_function(operation, whole)
    return whole


def hull(ranges: list[Range]) -> Range:
    """The least range that holds all of them."""
    return min(low for low, _ in ranges), max(high for _, high in ranges)


def range_of_constant(value: Any) -> Range | None:
    """The range of a number or an array among an operation's operands; None of anything else."""
    if value is None or isinstance(value, (bool, str)) or callable(value):
        return None
    try:
        values = np.asarray(keras.ops.convert_to_numpy(value), dtype="float64")
    except (TypeError, ValueError, AttributeError, NotImplementedError):
        return None
    return (float(values.min()), float(values.max())) if values.size else None


def _range_after_function(operation: Any, whole: Range) -> Range:
    try:
        activation = keras.activations.get(type(operation).__name__.lower())
    except ValueError:
        return whole
    return activation_range(activation, whole)


def _after_rescaling(layer: Any, whole: Range) -> Range:
    scale, offset = (np.asarray(value, dtype="float64") for value in (layer.scale, layer.offset))
    ends = [end * scale + offset for end in whole]
    return float(np.min(ends)), float(np.max(ends))


def _after_normalization(layer: Any, whole: Range) -> Range:
    if not layer.invert:
        return NORMALISED_RANGE
    mean, variance = getattr(layer, "mean", None), getattr(layer, "variance", None)
    if mean is None or variance is None:
        return whole
    mean, variance = (np.asarray(keras.ops.convert_to_numpy(value)) for value in (mean, variance))
    ends = [mean + end * np.sqrt(variance) for end in whole]
    return float(np.min(ends)), float(np.max(ends))


def _after_relu(layer: Any, whole: Range) -> Range:
    low, high = activation_range("relu", whole)
    if layer.max_value is not None:
        high = min(high, float(layer.max_value))
    return min(low, float(layer.negative_slope) * (whole[0] - float(layer.threshold))), high


def _after_leaky_relu(layer: Any, whole: Range) -> Range:
    low, high = (end if end > 0 else end * float(layer.negative_slope) for end in whole)
    return low, high


def _after_elu(layer: Any, whole: Range) -> Range:
    low, high = (end if end > 0 else float(layer.alpha) * math.expm1(end) for end in whole)
    return low, high


def _after_recurrence(layer: Any, whole: Range) -> Range:
    cell = getattr(layer, "cell", layer)
    cell = cell.cells[-1] if hasattr(cell, "cells") else cell
    states = activation_range(getattr(cell, "activation", None), whole)
    return hull([states, (0.0, 0.0)])  # the state starts at 0, and a gate can take it there


def _after_bidirectional(layer: Any, whole: Range) -> Range:
    one = range_after(layer.forward_layer, [whole])
    if layer.merge_mode == "sum":
        return _sum([one, one])
    return _product([one, one]) if layer.merge_mode == "mul" else one


def _after_wrapper(layer: Any, whole: Range) -> Range:
    return range_after(layer.layer, [whole])


def _sum(ranges: list[Range]) -> Range:
    return sum(low for low, _ in ranges), sum(high for _, high in ranges)


def _difference(ranges: list[Range]) -> Range:
    first, *others = ranges
    return _sum([first, *((-high, -low) for low, high in others)])


def _product(ranges: list[Range]) -> Range:
    low, high = ranges[0]
    for other in ranges[1:]:
        corners = [one * two for one in (low, high) for two in other]
        low, high = min(corners), max(corners)
    return low, high


def _quotient(ranges: list[Range]) -> Range:
    dividend, *divisors = ranges
    if not divisors or divisors[0][0] <= 0 <= divisors[0][1]:
        return dividend
    return _product([dividend, (1 / divisors[0][1], 1 / divisors[0][0])])


def _mean(ranges: list[Range]) -> Range:
    low, high = _sum(ranges)
    return low / len(ranges), high / len(ranges)


# Of a layer that merges and of the operation of the same name.
_ARITHMETIC: dict[str, Callable[[list[Range]], Range]] = {
    "Add": _sum,
    "Subtract": _difference,
    "Multiply": _product,
    "Divide": _quotient,
    "TrueDivide": _quotient,
    "Average": _mean,
    "Maximum": lambda ranges: (max(low for low, _ in ranges), max(high for _, high in ranges)),
    "Minimum": lambda ranges: (min(low for low, _ in ranges), min(high for _, high in ranges)),
    "Negative": lambda ranges: (-ranges[0][1], -ranges[0][0]),
}

_BY_KIND: list[tuple[Any, Callable[[Any, Range], Range]]] = [
    (_NORMALISATIONS, lambda layer, whole: NORMALISED_RANGE),
    (keras.layers.Normalization, _after_normalization),
    (keras.layers.UnitNormalization, lambda layer, whole: (-1.0, 1.0)),
    (keras.layers.Embedding, lambda layer, whole: EMBEDDED_RANGE),
    (keras.layers.CategoryEncoding, lambda layer, whole: (0.0, 1.0)),
    (keras.layers.Rescaling, _after_rescaling),
    (_PADDINGS, lambda layer, whole: hull([whole, (0.0, 0.0)])),
    (keras.layers.ReLU, _after_relu),
    (keras.layers.LeakyReLU, _after_leaky_relu),
    (keras.layers.ELU, _after_elu),
    (keras.layers.Softmax, lambda layer, whole: activation_range("softmax", whole)),
    (keras.layers.Bidirectional, _after_bidirectional),
    (keras.layers.RNN, _after_recurrence),
    (keras.layers.Wrapper, _after_wrapper),
]
