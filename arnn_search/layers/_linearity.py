"""Which layers are linear before their activation: known by type, or measured."""

from typing import Any

import keras
import numpy as np
from keras import ops

from arnn_search.layers._activations import eagerly

LINEAR = (
    keras.layers.Dense,
    keras.layers.EinsumDense,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
)
_TOLERANCE = 1e-3


def projections_of(layer: Any) -> list[Any]:
    """What is rotated of a layer: the projections of an attention, each by itself, else the layer."""
    if isinstance(layer, keras.layers.MultiHeadAttention):
        return [layer.query_dense, layer.key_dense, layer.value_dense, layer.output_dense]
    return [layer]


def check_type(layer: Any) -> None:
    """Refuses what needs no measurement to be refused.

    Raises:
        ValueError: it is no layer, or rotates already, or is a recurrence or a network.
    """
    if not isinstance(layer, keras.layers.Layer):
        raise ValueError(f"`layer` must be a Keras layer. Received: {layer!r}.")
    if getattr(layer, "auto_rotation", None) is not None:
        raise ValueError(f"`layer` rotates already; use it as it is. Received: {type(layer).__name__}.")
    if isinstance(layer, keras.layers.RNN):
        raise ValueError(
            "`layer` must be linear before its activation, and a recurrence is not; its gates are: use "
            f"AutoRotSimpleRNN, AutoRotLSTM or AutoRotGRU. Received: {type(layer).__name__}."
        )
    if isinstance(layer, keras.Model):
        raise ValueError(
            "`layer` must be one layer, not a network: wrap the layers inside. "
            f"Received: {type(layer).__name__}."
        )


def check_linear(layer: Any, shape: tuple[int, ...]) -> None:
    """Refuses a built layer whose pre-activation is not linear, known by its type or measured.

    Args:
        layer: with weights.
        shape: of one sample, the batch of 1 included.

    Raises:
        ValueError: it has no weights, or f(a + b) - f(a) - f(b) + f(0) does not vanish.
    """
    if isinstance(layer, (*LINEAR, keras.layers.MultiHeadAttention)):
        return
    if not layer.weights:
        raise ValueError(f"`layer` has no weights that could rotate. Received: {type(layer).__name__}.")
    generator = np.random.default_rng(0)
    one, two = (generator.normal(size=shape).astype("float32") for _ in range(2))
    space = vars(layer)
    activation = space.get("activation")
    try:
        if activation is not None:
            space["activation"] = keras.activations.linear
        with eagerly():
            both, first, second, none = (
                np.asarray(ops.convert_to_numpy(layer.call(ops.convert_to_tensor(value))), dtype="float64")
                for value in (one + two, one, two, np.zeros_like(one))
            )
    except Exception as error:
        raise ValueError(
            "`layer` could not be measured for being linear before its activation: "
            f"{type(error).__name__}. Received: {type(layer).__name__}."
        ) from error
    finally:
        if activation is not None:
            space["activation"] = activation
    if np.abs(both - first - second + none).max() > _TOLERANCE * max(np.abs(both).max(), 1e-30):
        raise ValueError(
            "`layer` must be linear before its activation (the attribute `activation`); this one is not. "
            f"Received: {type(layer).__name__}."
        )
