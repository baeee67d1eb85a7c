"""Folding a layer that `AutoRotation` rotates into stock layers."""

from typing import Any

import keras
import numpy as np
from keras import ops

from arnn_search.layers._linearity import projections_of
from arnn_search.layers._wrapper import AutoRotation

_SCALABLE = (keras.layers.Dense, keras.layers.MultiHeadAttention)


def stock_of_wrapped(wrapper: AutoRotation) -> Any:
    """The stock layer, or the linear one, a constant rescale and the activation, without weights.

    What has one ρ for each unit by nature (Dense, the projections of attention) is scaled itself. Elsewhere
    ρ is a map, and a `keras.layers.Normalization` holds it.
    """
    layer = wrapper.layer
    if not wrapper.auto_rotation or isinstance(layer, _SCALABLE):
        return _again(layer)
    linear = _again(layer)
    if hasattr(linear, "activation"):
        linear.activation = keras.activations.linear
    axes = tuple(axis for axis, size in enumerate(wrapper.output_sample_shape) if axis and size is not None)
    activation = wrapper.activation or keras.activations.linear
    return keras.Sequential(
        [
            linear,
            keras.layers.Normalization(axis=axes, invert=True, name="rescale", dtype=wrapper.dtype_policy),
            keras.layers.Activation(activation, name="activation", dtype=wrapper.dtype_policy),
        ],
        name=wrapper.name,
    )


def carry_wrapped_weights(wrapper: AutoRotation, clone: Any) -> None:
    """Puts the weights, scaled where ρ is not a layer of its own, into what `stock_of_wrapped` gave."""
    if isinstance(clone, keras.Sequential):
        linear, rescale, _ = clone.layers
        linear.set_weights(wrapper.layer.get_weights())
        rho = np.asarray(ops.convert_to_numpy(wrapper.rho()))[0]
        for axis, size in enumerate(wrapper.output_sample_shape[1:]):
            if size is None:  # a size that EinsumDense leaves open: each position has the same weights
                rho = rho.take([0], axis)
        variance = np.square(rho).reshape(rescale.get_weights()[0].shape)
        rescale.set_weights([np.zeros_like(variance), variance, np.array(0)])
        rescale.finalize_state()
        return
    clone.set_weights(wrapper.layer.get_weights())
    if wrapper.auto_rotation:
        for part, rho in zip(projections_of(clone), wrapper.rho_of_each(), strict=True):
            scale = np.asarray(ops.convert_to_numpy(rho))
            for weight in part.weights:
                # Units are the last axes of ρ; along those before them it is the same at each position.
                num_axes = _num_unit_axes(part)
                units = scale.reshape(-1, *scale.shape[scale.ndim - num_axes :])[0]
                weight.assign(np.asarray(ops.convert_to_numpy(weight)) * units)


def _num_unit_axes(part: Any) -> int:
    if isinstance(part, keras.layers.Dense):
        return 1
    inputs, kernel = part.equation.split("->")[0].split(",")
    return sum(letter not in inputs for letter in kernel)


def _again(layer: Any) -> Any:
    return type(layer).from_config(layer.get_config())
