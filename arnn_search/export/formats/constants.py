"""Making a Keras model traceable: what it would capture from outside becomes part of the graph."""

from collections.abc import Iterator
from typing import Any


def without_captures(model: Any) -> Any:
    """The same model, whose normalisation layers hold NumPy arrays.

    Converters turn a tensor that a graph captures into an input of their own (ONNX) or into garbage
    (LiteRT); an array becomes a constant. The model still works as before.
    """
    import keras
    import numpy as np

    for layer in _layers(model):
        if isinstance(layer, keras.layers.Normalization):
            layer.mean = np.asarray(keras.ops.convert_to_numpy(layer.mean))
            layer.variance = np.asarray(keras.ops.convert_to_numpy(layer.variance))
    return model


def _layers(layer: Any) -> Iterator[Any]:
    yield layer
    for inner in getattr(layer, "layers", ()):
        yield from _layers(inner)


def input_signature(model: Any) -> Any:
    """The TensorFlow signature of a model with one input: any number of samples, called `inputs`."""
    import tensorflow as tf

    shape = (None, *model.input_shape[1:])
    return tf.TensorSpec(shape, model.inputs[0].dtype, name="inputs")
