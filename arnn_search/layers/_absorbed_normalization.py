"""Batch normalisation that directly follows a linear layer is linear too, once it is trained: part of it."""

from typing import Any

import keras
import numpy as np

from arnn_search.layers._dense import AutoRotatedProduct
from arnn_search.layers._rotated_convolution import AutoRotConvolution


def find_absorbable(model: keras.Model) -> dict[int, Any]:
    """The batch normalisations that a rotating layer can take in, by the `id` of that layer.

    The layer has no activation of its own, nothing else reads its outputs, and both are used once.
    """
    found: dict[int, Any] = {}
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found |= find_absorbable(layer)
        elif isinstance(layer, (AutoRotatedProduct, AutoRotConvolution)) and _is_linear(layer):
            readers = [other for other in model.layers if reads(other, layer)]
            is_output = any(tensor is _output(layer) for tensor in keras.tree.flatten(model.outputs))
            if len(readers) == 1 and not is_output and _normalizes(readers[0], layer):
                found[id(layer)] = readers[0]
    return found


def scale_and_shift(layer: Any, normalization: Any) -> tuple[np.ndarray, np.ndarray]:
    """What a trained batch normalisation does to each unit of the layer before it: x -> scale x + shift."""
    moments = (normalization.moving_mean, normalization.moving_variance)
    mean, variance = (np.asarray(keras.ops.convert_to_numpy(moment), dtype="float64") for moment in moments)
    scale = 1.0 / np.sqrt(variance + normalization.epsilon)
    if normalization.gamma is not None:
        scale = scale * keras.ops.convert_to_numpy(normalization.gamma)
    shift = -mean * scale
    if normalization.beta is not None:
        shift = shift + keras.ops.convert_to_numpy(normalization.beta)
    axis = _axis(normalization, layer)
    scale, shift = (layer.units_along(axis, values.astype("float32")) for values in (scale, shift))
    return scale, shift


def reads(reader: Any, layer: Any) -> bool:
    """Whether a layer reads another one's outputs, as far as both are used once."""
    try:
        read = keras.tree.flatten(reader.input)
    except (AttributeError, ValueError):  # used several times: whatever it reads, it cannot be absorbed
        return reader is not layer and isinstance(reader, keras.layers.BatchNormalization)
    return _output(layer) is not None and any(tensor is _output(layer) for tensor in read)


def _is_linear(layer: Any) -> bool:
    return bool(layer.auto_rotation and layer.activation in (None, keras.activations.linear))


def _normalizes(reader: Any, layer: Any) -> bool:
    if not isinstance(reader, keras.layers.BatchNormalization) or _output(reader) is None:
        return False
    return bool(layer.counts_units(_axis(reader, layer)))


def _axis(normalization: Any, layer: Any) -> int:
    """The axis that it normalises, counted from behind."""
    num_axes = len(_output(layer).shape)
    return int(normalization.axis) % num_axes - num_axes


def _output(layer: Any) -> Any:
    try:
        return layer.output
    except (AttributeError, ValueError):  # used several times, or never
        return None
