"""Scaling as part of the network: raw inputs in, probabilities or targets in their own units out."""

from typing import Any

import keras
import numpy as np

from arnn_search.data import DataSpec


def with_scaling(model: keras.Model, spec: DataSpec) -> keras.Model:
    """The network behind a layer that scales its inputs, and before one that unscales its targets.

    Both are stock Keras layers. Scaling is done in float32: where a feature's offset is some 10,000 times
    its scale (a year in seconds, say), digits are lost, and verification says so.

    Args:
        model: takes inputs as `PreparedData` holds them.
        spec: the data that it was trained on.
    """
    inputs = keras.Input(spec.input_shape, name="inputs")
    # The same layers, not compiled: an optimizer inside would be saved along with the one outside.
    network = keras.Model(model.inputs, model.outputs[0], name=model.name)
    outputs = network(_scaled(inputs, spec))
    if spec.target_scaling is not None:
        outputs = _restored(outputs, spec)
    raw = keras.Model(inputs, outputs, name=model.name)
    raw.compile_from_config(model.get_compile_config())
    return raw


def _scaled(inputs: Any, spec: DataSpec) -> Any:
    if spec.scaling["kind"] == "none":
        return inputs
    offset, scale = (np.asarray(spec.scaling[key], dtype=np.float64) for key in ("offset", "scale"))
    one_range = offset.size == 1
    mean, variance = (values.item() if one_range else values.tolist() for values in (offset, scale**2))
    layer = keras.layers.Normalization(
        axis=None if one_range else -1, mean=mean, variance=variance, name="scale_inputs"
    )
    return layer(inputs)


def _restored(outputs: Any, spec: DataSpec) -> Any:
    scaling = spec.target_scaling or {}
    mean, scale = (np.asarray(scaling[key], dtype=np.float64) for key in ("mean", "scale"))
    return keras.layers.Rescaling(scale.tolist(), offset=mean.tolist(), name="restore_targets")(outputs)
