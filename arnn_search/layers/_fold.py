"""Folding: an auto-rotating network as stock Keras layers. After training ρ is a constant."""

from typing import Any

import keras
import numpy as np

from arnn_search.layers._rotated import AutoRotated
from arnn_search.layers._rotated_convolution import AutoRotConvolution


def fold(model: keras.Model) -> keras.Model:
    """The same network with stock Keras layers only: kernel ρW, bias ρb.

    A padded convolution, whose ρ is a map over positions, becomes a linear convolution, a constant rescale
    with the bias (`keras.layers.Normalization`) and the activation. Layers that are shared stay shared.

    Args:
        model: a functional or sequential model that is built.

    Returns:
        A new model with the same outputs (to 1e-5 in float32) and compilation.

    Raises:
        ValueError: the model is neither functional nor sequential, or not built.
    """
    clones = _Clones()
    folded = clones.of_model(model)
    clones.carry_weights()
    return folded


class _Clones:
    """The stock layer for each layer: one for a layer that is used twice, in a nested model too."""

    def __init__(self) -> None:
        self._pairs: dict[int, tuple[Any, Any]] = {}

    def of_model(self, model: keras.Model) -> keras.Model:
        _check_foldable(model)
        return keras.models.clone_model(model, clone_function=self._of_layer)

    def carry_weights(self) -> None:
        for layer, clone in self._pairs.values():
            _carry_weights(layer, clone)

    def _of_layer(self, layer: Any) -> Any:
        if id(layer) not in self._pairs:
            self._pairs[id(layer)] = (layer, self._new(layer))
        return self._pairs[id(layer)][1]

    def _new(self, layer: Any) -> Any:
        if isinstance(layer, keras.Model):
            return self.of_model(layer)
        if not isinstance(layer, AutoRotated):
            return layer.__class__.from_config(layer.get_config())
        if isinstance(layer, AutoRotConvolution) and layer.pads:
            return _convolution_and_rescale(layer)
        return layer.stock_layer()


def _check_foldable(model: Any) -> None:
    if not isinstance(model, keras.Sequential) and not hasattr(model, "operations"):
        raise ValueError(
            "`model` must be a functional or sequential model to be folded. "
            f"Received: {type(model).__name__}."
        )
    if not model.built:
        raise ValueError(f"The model {model.name!r} has no weights yet; build it before folding it.")


def _convolution_and_rescale(layer: Any) -> keras.Sequential:
    axes = tuple(range(1, layer.rank + 2))
    return keras.Sequential(
        [
            layer.stock_layer(activation=None, use_bias=False, name="convolution"),
            keras.layers.Normalization(axis=axes, invert=True, name="rescale", dtype=layer.dtype_policy),
            keras.layers.Activation(layer.activation, name="activation", dtype=layer.dtype_policy),
        ],
        name=layer.name,
    )


def _carry_weights(layer: Any, clone: Any) -> None:
    if isinstance(layer, keras.Model):
        return  # its layers are pairs of their own
    if not isinstance(layer, AutoRotated):
        clone.set_weights(layer.get_weights())
    elif isinstance(layer, AutoRotConvolution) and layer.pads:
        convolution, rescale, _ = clone.layers
        rho = np.asarray(keras.ops.convert_to_numpy(layer.rho()))
        # The largest ρ of a filter goes into its kernel: what is left lies in (0, 1], so does its square.
        positions = tuple(axis for axis in range(rho.ndim) if axis != layer.channel_axis)
        largest = rho.max(axis=positions, keepdims=True)
        kernels = layer.scaled_kernels(keras.ops.convert_to_tensor(largest.reshape(-1)))
        convolution.set_weights([keras.ops.convert_to_numpy(kernel) for kernel in kernels])
        share = (rho / largest)[0]
        # The bias is added where the rescale adds anyway: one pass over the batch less.
        bias = np.zeros_like(share)
        if layer.rotation_bias() is not None:
            bias = (rho * keras.ops.convert_to_numpy(layer.along_channels(layer.rotation_bias())))[0]
        rescale.set_weights([bias, np.square(share), np.array(0)])
        rescale.finalize_state()
    else:
        clone.set_weights(layer.folded_weights())
