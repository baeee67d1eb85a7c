"""Folding: an auto-rotating network as stock Keras layers. After training ρ is a constant."""

from typing import Any

import keras
import numpy as np
from keras import ops

from arnn_search.layers._convolution import AutoRotConvolution
from arnn_search.layers._rotated import AutoRotated

_OWN_ARGUMENTS = (
    "limit",
    "learn_limit",
    "limit_per_unit",
    "reference_point",
    "value_range",
    "auto_rotation",
    "boundary",
)


def fold(model: keras.Model) -> keras.Model:
    """The same network with stock Keras layers only: kernel ρW, bias ρb.

    A padded convolution, whose ρ is a map over positions, becomes a linear convolution, a constant rescale
    (`keras.layers.Normalization` with mean 0 and variance 1/ρ²) and the activation.

    Args:
        model: a functional or sequential model that is built.

    Returns:
        A new model with the same outputs (to 1e-5 in float32) and compilation.

    Raises:
        ValueError: the model is neither functional nor sequential, or not built.
    """
    if not isinstance(model, keras.Sequential) and not hasattr(model, "operations"):
        raise ValueError(
            f"Only functional and sequential models can be folded. Received: {type(model).__name__}."
        )
    if not model.built:
        raise ValueError(f"The model {model.name!r} has no weights yet; build it before folding it.")
    folded: dict[str, Any] = {}

    def stock(layer: Any) -> Any:
        new = _stock_layer(layer)
        folded[layer.name] = new
        return new

    copy = keras.models.clone_model(model, clone_function=stock)
    for layer in model.layers:
        if layer.name in folded:
            _carry_weights(layer, folded[layer.name])
    if getattr(model, "compiled", False):
        copy.compile_from_config(model.get_compile_config())
    return copy


def _stock_layer(layer: Any) -> Any:
    if isinstance(layer, keras.Model):
        return fold(layer)
    if not isinstance(layer, AutoRotated):
        return layer.__class__.from_config(layer.get_config())
    parent = next(base for base in type(layer).__mro__ if base.__module__.startswith("keras."))
    config = {key: value for key, value in layer.get_config().items() if key not in _OWN_ARGUMENTS}
    if not (isinstance(layer, AutoRotConvolution) and layer.pads):
        return parent.from_config(config)
    linear = parent.from_config(config | {"activation": None, "name": "convolution"})
    axes = tuple(range(1, layer.rank + 2))  # type: ignore[attr-defined]
    rescale = keras.layers.Normalization(axis=axes, name="rescale")
    activation = keras.layers.Activation(layer.activation, name="activation")  # type: ignore[attr-defined]
    inner = keras.Sequential([linear, rescale, activation], name=layer.name)  # type: ignore[attr-defined]
    return inner


def _carry_weights(layer: Any, new: Any) -> None:
    if isinstance(layer, keras.Model):
        return  # folded with its weights
    if not isinstance(layer, AutoRotated):
        new.set_weights(layer.get_weights())
        return
    if isinstance(layer, AutoRotConvolution) and layer.pads:
        rho = np.asarray(ops.convert_to_numpy(layer.rho()))
        convolution, rescale, _ = new.layers
        convolution.set_weights(_stock_weights(layer))
        rescale.set_weights([np.zeros_like(rho[0]), 1.0 / np.square(rho[0]), np.array(0)])
        rescale.finalize_state()
        return
    rho = np.asarray(ops.convert_to_numpy(layer.rho())) if layer.auto_rotation else 1.0
    new.set_weights([weight * rho for weight in _stock_weights(layer)])


def _stock_weights(layer: Any) -> list[np.ndarray]:
    weights = [layer.kernel] if layer.bias is None else [layer.kernel, layer.bias]
    return [np.asarray(ops.convert_to_numpy(weight)) for weight in weights]
