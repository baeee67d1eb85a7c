"""Gradients of a layer's weights on whichever backend runs."""

from typing import Any

import keras
import numpy as np


def gradients(layer: Any, x: Any, weigh: Any) -> list[np.ndarray]:
    """The gradients of Σ weigh × outputs by the layer's trainable weights."""
    backend = keras.config.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            loss = keras.ops.sum(keras.ops.cast(layer(x), "float32") * weigh)
        found = tape.gradient(loss, [weight.value for weight in layer.trainable_weights])
    elif backend == "jax":
        import jax

        def loss_of(trainable: Any) -> Any:
            fixed = [weight.value for weight in layer.non_trainable_variables]
            outputs, _ = layer.stateless_call(trainable, fixed, x)
            return keras.ops.sum(keras.ops.cast(outputs, "float32") * weigh)

        found = jax.grad(loss_of)([weight.value for weight in layer.trainable_weights])
    else:
        layer.zero_grad()
        keras.ops.sum(keras.ops.cast(layer(x), "float32") * keras.ops.convert_to_tensor(weigh)).backward()
        found = [weight.value.grad for weight in layer.trainable_weights]
    return [np.asarray(keras.ops.convert_to_numpy(gradient)) for gradient in found]


def numerical_gradients(
    function: Any, values: dict[str, np.ndarray], *, step: float = 1e-6
) -> dict[str, np.ndarray]:
    """The derivatives of a scalar function of named arrays, by central differences."""
    slopes = {}
    for name, value in values.items():
        slope = np.zeros_like(value)
        for index in np.ndindex(value.shape):
            ends = []
            for sign in (1, -1):
                moved = value.copy()
                moved[index] += sign * step
                ends.append(function(values | {name: moved}))
            slope[index] = (ends[0] - ends[1]) / (2 * step)
        slopes[name] = slope
    return slopes
