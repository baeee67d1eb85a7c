"""The poster's network with layers of any make: (convolution, BN?, pooling) x 3, then five dense layers."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from arnn_search import layers
from benchmarks.published_rotation import published

FILTERS = 32
BATCH_SIZE = 128
INPUT_SHAPE = (28, 28, 1)

# As arpkeras would have it: sigmoid's limit, and x_Q = 2 x_max - x_min with values in (0, 1) or (-3, 3).
_LIMIT, _REFERENCE, _NORMALISED_REFERENCE = 4.0, 2.0, 9.0


def classic(*, bn: bool) -> keras.Model:
    """Stock layers."""
    return _network(keras.layers.Conv2D, keras.layers.Dense, bn=bn)


def auto_rotating(*, bn: bool, boundary: str = "padded", **rotation: Any) -> keras.Model:
    """Every layer rotates but the output."""

    def convolution(*args: Any, **kwargs: Any) -> Any:
        return layers.AutoRotConv2D(*args, boundary=boundary, **rotation, **kwargs)

    def dense(*args: Any, **kwargs: Any) -> Any:
        return layers.AutoRotDense(*args, **rotation, **kwargs)

    return _network(convolution, dense, bn=bn)


def rotated_as_published(*, bn: bool) -> keras.Model:
    """Every layer rotates but the output, computed as arpkeras does."""
    state = {"first": True}

    def published_arguments() -> Mapping[str, float]:
        reference = _NORMALISED_REFERENCE if bn and not state["first"] else _REFERENCE
        state["first"] = False
        return {"limit": _LIMIT, "reference": reference}

    def convolution(*args: Any, **kwargs: Any) -> Any:
        return published(keras.layers.Conv2D)(*args, **published_arguments(), **kwargs)

    def dense(*args: Any, **kwargs: Any) -> Any:
        return published(keras.layers.Dense)(*args, limit=_LIMIT, reference=_REFERENCE, **kwargs)

    return _network(convolution, dense, bn=bn)


def batch() -> tuple[np.ndarray, np.ndarray]:
    """Images in [0, 1], shape `(batch, 28, 28, 1)`, and their classes."""
    generator = np.random.default_rng(0)
    images = generator.random((BATCH_SIZE, *INPUT_SHAPE), dtype="float32")
    return images, generator.integers(0, 10, BATCH_SIZE)


def _network(convolution: Callable[..., Any], dense: Callable[..., Any], *, bn: bool) -> keras.Model:
    keras.utils.set_random_seed(0)
    inputs = x = layers.Input(INPUT_SHAPE, value_range=(0.0, 1.0))
    for _ in range(3):
        x = convolution(FILTERS, 3, padding="same", activation="sigmoid")(x)
        if bn:
            x = keras.layers.BatchNormalization()(x)
        x = keras.layers.MaxPooling2D(2, padding="same")(x)
    x = keras.layers.Flatten()(x)
    for _ in range(4):
        x = dense(10, activation="sigmoid")(x)
    outputs = keras.layers.Dense(10, activation="softmax")(x)
    model = keras.Model(inputs, outputs)
    model.compile("adam", "sparse_categorical_crossentropy")
    return model
