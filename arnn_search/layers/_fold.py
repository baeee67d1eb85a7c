"""Folding: an auto-rotating network as stock Keras layers. After training ρ is a constant."""

from typing import Any

import keras
import numpy as np

from arnn_search.layers._absorbed_normalization import find_absorbable, scale_and_shift
from arnn_search.layers._clones import Clones
from arnn_search.layers._fold_wrapper import carry_wrapped_weights, stock_of_wrapped
from arnn_search.layers._parts import parts_of
from arnn_search.layers._recurrence import AutoRotatedRecurrence
from arnn_search.layers._rotated import AutoRotated
from arnn_search.layers._rotated_convolution import AutoRotConvolution
from arnn_search.layers._wrapper import AutoRotation


def fold(model: keras.Model, *, batch_normalization: bool = False) -> keras.Model:
    """The same network with stock Keras layers only: kernel ρW, bias ρb.

    A padded convolution, whose ρ is a map over positions, becomes a linear convolution, a constant rescale
    with the bias (`keras.layers.Normalization`) and the activation. Layers that are shared stay shared.

    Args:
        model: a functional or sequential model that is built.
        batch_normalization: whether batch normalisation that directly follows a rotating layer without an
            activation becomes part of that layer too (and `keras.layers.Identity` takes its place). The
            result is for inference: it normalises by the moving averages, as the model does there.

    Returns:
        A new model with the same outputs (to 1e-5 in float32) and compilation.

    Raises:
        ValueError: the model is neither functional nor sequential, or not built.
    """
    stock = _StockLayers(find_absorbable(model) if batch_normalization and model.built else {})
    clones = Clones(stock.of)
    folded = clones.of_model(model)
    for layer, clone in clones.pairs:
        stock.carry_weights(layer, clone)
    return folded


class _StockLayers:
    """The stock layer for each layer.

    Args:
        absorbed: batch normalisations that become part of the layer before them, by its `id`.
    """

    def __init__(self, absorbed: dict[int, Any]) -> None:
        self._absorbed = absorbed

    def of(self, layer: Any) -> Any:
        """The layer that takes its place, without weights."""
        if any(layer is normalization for normalization in self._absorbed.values()):
            return keras.layers.Identity(name=layer.name, dtype=layer.dtype_policy)
        if id(layer) in self._absorbed and not _is_map(layer):
            return layer.stock_layer_with_bias()
        return _stock(layer)

    def carry_weights(self, layer: Any, clone: Any) -> None:
        """Puts the layer's weights, rotated, into what `of` gave."""
        if isinstance(clone, keras.layers.Identity) and layer.weights:
            return  # part of the layer before it
        normalization = self._absorbed.get(id(layer))
        if normalization is None:
            _carry_weights(layer, clone)
        else:
            _carry_rotated(layer, clone, *scale_and_shift(layer, normalization))


def _stock(layer: Any) -> Any:
    if _is_map(layer):
        return _convolution_and_rescale(layer)
    if isinstance(layer, AutoRotation):
        return stock_of_wrapped(layer)
    if isinstance(layer, (AutoRotated, AutoRotatedRecurrence)):
        return layer.stock_layer()
    config = layer.get_config()
    return layer.__class__.from_config(_stock_parts(config) if parts_of(layer) else config)


def _stock_parts(config: Any) -> Any:
    """The configuration of a wrapper, with those of stock layers in the place of the rotating ones inside."""
    if isinstance(config, (list, tuple)):
        return type(config)(_stock_parts(value) for value in config)
    if not isinstance(config, dict):
        return config
    if str(config.get("registered_name", "")).startswith("arnn_search>"):
        return keras.saving.serialize_keras_object(_stock(keras.saving.deserialize_keras_object(config)))
    return {key: _stock_parts(value) for key, value in config.items()}


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
    if isinstance(layer, AutoRotatedRecurrence) or (not isinstance(layer, AutoRotated) and parts_of(layer)):
        for part, its_clone in zip(parts_of(layer), parts_of(clone), strict=True):
            _carry_weights(part, its_clone)
        for weight, its_clone in zip(_own_weights(layer), _own_weights(clone), strict=True):
            its_clone.assign(weight)
    elif isinstance(layer, AutoRotation):
        carry_wrapped_weights(layer, clone)
    elif not isinstance(layer, AutoRotated):
        clone.set_weights(layer.get_weights())
    else:
        _carry_rotated(layer, clone)


def _carry_rotated(layer: Any, clone: Any, scale: Any = None, shift: Any = None) -> None:
    """ρW and ρb, scaled and shifted for each unit by what follows, if anything does."""
    if not _is_map(layer):
        if scale is None:
            clone.set_weights(layer.folded_weights())
            return
        scale = scale * keras.ops.convert_to_numpy(layer.rho())
        weights = layer.scaled_weights(keras.ops.convert_to_tensor(scale))
        bias = layer.rotation_bias()
        if bias is not None:
            weights.pop()
            shift = shift + scale * keras.ops.convert_to_numpy(bias)
        weights.append(keras.ops.convert_to_numpy(layer.stock_bias(keras.ops.convert_to_tensor(shift))))
        clone.set_weights(weights)
        return
    convolution, rescale, _ = clone.layers
    rho = np.asarray(keras.ops.convert_to_numpy(layer.rho()))
    # The largest ρ of a filter goes into its kernel: what is left lies in (0, 1], so does its square.
    positions = tuple(axis for axis in range(rho.ndim) if axis != layer.channel_axis)
    largest = rho.max(axis=positions, keepdims=True)
    scale = 1.0 if scale is None else np.asarray(keras.ops.convert_to_numpy(layer.along_channels(scale)))
    kernels = layer.scaled_kernels(keras.ops.convert_to_tensor((largest * scale).reshape(-1)))
    convolution.set_weights([keras.ops.convert_to_numpy(kernel) for kernel in kernels])
    share = (rho / largest)[0]
    # The bias is added where the rescale adds anyway: one pass over the batch less.
    bias = np.zeros_like(rho)
    if layer.rotation_bias() is not None:
        bias = rho * scale * keras.ops.convert_to_numpy(layer.along_channels(layer.rotation_bias()))
    if shift is not None:
        bias = bias + keras.ops.convert_to_numpy(layer.along_channels(shift))
    rescale.set_weights([bias[0], np.square(share), np.array(0)])
    rescale.finalize_state()


def _is_map(layer: Any) -> bool:
    """Whether its ρ is a map over positions."""
    return isinstance(layer, AutoRotConvolution) and layer.pads


def _own_weights(layer: Any) -> list[Any]:
    """Those of none of the layers inside, and a recurrence's states, which Keras does not list."""
    inside = {id(weight) for part in parts_of(layer) for weight in part.weights}
    states = getattr(layer, "states", None)
    listed = [weight for weight in layer.weights if id(weight) not in inside]
    return listed + [state for state in keras.tree.flatten(states) if state is not None]
