"""Gradients of a layer's weights on whichever backend runs."""

import functools
from typing import Any

import keras
import numpy as np


def gradients(layer: Any, x: Any, weigh: Any) -> list[np.ndarray]:
    """The gradients of Σ weigh × outputs by the layer's trainable weights."""
    return _outputs_and_gradients(layer, x, weigh, compiled=False)[1]


def outputs_and_gradients(layer: Any, x: Any) -> tuple[np.ndarray, list[np.ndarray]]:
    """The outputs, and the gradients of their sum. On JAX both are compiled at the first call for a layer.

    For many looks at few layers. One operation at a time takes hundreds of compilations, which pays where
    many layers share them.
    """
    return _outputs_and_gradients(layer, x, 1.0, compiled=True)


def _outputs_and_gradients(
    layer: Any, x: Any, weigh: Any, *, compiled: bool
) -> tuple[np.ndarray, list[np.ndarray]]:
    backend = keras.config.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            outputs = keras.ops.cast(layer(x), "float32")
            loss = keras.ops.sum(outputs * weigh)
        found = tape.gradient(loss, [weight.value for weight in layer.trainable_weights])
    elif backend == "jax":
        function = _compiled(layer) if compiled else _of_jax(layer)
        trainable = [weight.value for weight in layer.trainable_weights]
        fixed = [weight.value for weight in layer.non_trainable_variables]
        found, outputs = function(trainable, fixed, x, weigh)
    else:
        layer.zero_grad()
        outputs = keras.ops.cast(layer(x), "float32")
        keras.ops.sum(outputs * keras.ops.convert_to_tensor(weigh)).backward()
        found = [weight.value.grad for weight in layer.trainable_weights]
    outputs, *found = (np.asarray(keras.ops.convert_to_numpy(one)) for one in (outputs, *found))
    return outputs, found


def _of_jax(layer: Any) -> Any:
    import jax

    def loss_of(trainable: Any, fixed: Any, x: Any, weigh: Any) -> Any:
        outputs, _ = layer.stateless_call(trainable, fixed, x)
        outputs = keras.ops.cast(outputs, "float32")
        return keras.ops.sum(outputs * weigh), outputs

    return jax.grad(loss_of, has_aux=True)


@functools.lru_cache(maxsize=8)
def _compiled(layer: Any) -> Any:
    import jax

    return jax.jit(_of_jax(layer))


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
