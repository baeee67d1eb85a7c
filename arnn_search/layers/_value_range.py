"""The range of the values that enter a layer, carried through a network from its inputs.

An auto-rotating layer puts its reference point outside that range. Nobody has to type it: the input knows
the range of the data (`Input`), and every stock layer between says what it does to it.
"""

from collections.abc import Sequence
from typing import Any

import keras

from arnn_search.layers._activations import Range, activation_range

DEFAULT_RANGE: Range = (0.0, 1.0)
"""What an input is taken to hold if nobody says."""

NORMALISED_RANGE: Range = (-3.0, 3.0)
"""What a normalisation layer is taken to give: unbounded in theory, three standard deviations in practice."""

_ATTRIBUTE = "arnn_value_range"
_NORMALISATIONS = (
    keras.layers.BatchNormalization,
    keras.layers.LayerNormalization,
    keras.layers.GroupNormalization,
    keras.layers.Normalization,
)


def Input(shape: Sequence[int | None], *, value_range: Range | None = None, **kwargs: Any) -> Any:
    """`keras.Input` that knows the range of its values.

    Args:
        shape: of one sample, without the batch.
        value_range: smallest and largest value of the data; None stands for (0, 1).
        **kwargs: as of `keras.Input`.

    Returns:
        The symbolic input, `(batch, *shape)`.

    Raises:
        ValueError: the range is not `(low, high)` with finite low < high.
    """
    tensor = keras.Input(shape, **kwargs)
    if value_range is not None:
        setattr(tensor, _ATTRIBUTE, check_value_range(value_range))
    return tensor


def check_value_range(value_range: Any) -> Range:
    """The range as two floats.

    Raises:
        ValueError: it is not `(low, high)` with finite low < high.
    """
    try:
        low, high = (float(value) for value in value_range)
    except (TypeError, ValueError):
        low = high = 0.0
    if not (low < high and abs(low) < float("inf") and abs(high) < float("inf")):
        raise ValueError(
            f"`value_range` must be (low, high) with finite low < high. Received: {value_range}."
        )
    return low, high


def infer_value_range(tensor: Any) -> Range:
    """The range of a symbolic tensor's values, from its inputs through the layers in between.

    Values that a graph says nothing about (an input of `keras.Input`, a tensor that is not symbolic) are
    taken to lie in `DEFAULT_RANGE`.
    """
    if not isinstance(tensor, keras.KerasTensor):
        return DEFAULT_RANGE
    inputs = keras.utils.get_source_inputs(tensor)
    inputs = inputs if isinstance(inputs, (list, tuple)) else [inputs]
    known = {id(source): getattr(source, _ATTRIBUTE, DEFAULT_RANGE) for source in inputs}
    if id(tensor) not in known:
        _walk(keras.Model(inputs, tensor), known)
    return known.get(id(tensor), DEFAULT_RANGE)


def _walk(model: keras.Model, known: dict[int, Range]) -> None:
    for layer in model.layers:
        try:
            before, after = layer.input, layer.output
        except (AttributeError, ValueError):  # a shared layer has several of both
            continue
        ranges = [known.get(id(tensor), DEFAULT_RANGE) for tensor in keras.tree.flatten(before)]
        for tensor in keras.tree.flatten(after):
            known.setdefault(id(tensor), _range_after(layer, ranges or [DEFAULT_RANGE]))


def _range_after(layer: Any, ranges: list[Range]) -> Range:
    low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
    if isinstance(layer, _NORMALISATIONS):
        return NORMALISED_RANGE
    if isinstance(layer, keras.layers.Rescaling):
        ends = [end * layer.scale + layer.offset for end in (low, high)]
        return float(min(ends)), float(max(ends))
    if isinstance(layer, keras.layers.Add):
        return sum(low for low, _ in ranges), sum(high for _, high in ranges)
    if isinstance(
        layer, (keras.layers.ZeroPadding1D, keras.layers.ZeroPadding2D, keras.layers.ZeroPadding3D)
    ):
        return min(low, 0.0), max(high, 0.0)
    if isinstance(layer, keras.layers.ReLU):
        return activation_range("relu", (low, high))
    if isinstance(layer, keras.layers.Softmax):
        return activation_range("softmax", (low, high))
    if callable(getattr(layer, "activation", None)):
        return activation_range(layer.activation, (low, high))
    if isinstance(layer, keras.Model) and len(layer.outputs) == 1:
        inner = {id(tensor): value for tensor, value in zip(layer.inputs, ranges, strict=False)}
        _walk(layer, inner)
        return inner.get(id(layer.outputs[0]), (low, high))
    return low, high
