"""What the Auto-Rotation needs to know of an activation: its limit, its dynamic region, its range."""

import functools
import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

Range = tuple[float, float]

# The published limits: sigmoid, tanh, arctan.
_LIMITS = {"sigmoid": 4.0, "tanh": 2.0, "arctan": 7.0}
_UNBOUNDED_LIMIT = 1.0
# What is left of the largest slope at the published limits of sigmoid and tanh.
_SLOPE_SHARE = 0.07
_FARTHEST = 64.0
# Not elementwise, or nothing to measure.
_NOT_MEASURED = ("softmax", "log_softmax", "sparsemax", "glu", "linear")

_RANGES: dict[str, Range] = {
    "sigmoid": (0.0, 1.0),
    "hard_sigmoid": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "sparsemax": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "hard_tanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
    "arctan": (-math.pi / 2, math.pi / 2),
    "relu6": (0.0, 6.0),
}


def default_limit(activation: str | Callable[..., Any] | None) -> float:
    """The limit L that a layer takes when none is given.

    Sigmoid 4, tanh 2, arctan 7, as published. Any other activation that saturates on both sides takes the
    bound of its dynamic region (see `dynamic_region`); one that does not, such as ReLU, takes 1.

    Args:
        activation: as a Keras layer takes it.

    Reference:
        "Auto-Rotating Perceptrons" (arXiv:1910.02483), section 3, and the authors' package arpkeras.
    """
    region = dynamic_region(activation)
    return _UNBOUNDED_LIMIT if region is None else region


def dynamic_region(activation: str | Callable[..., Any] | None) -> float | None:
    """The bound of [-L, L], the range in which an activation's slope is not negligible.

    For activations without a published L: the farthest |z| at which the slope still is 7 % of its maximum,
    which is what sigmoid keeps at 4 and tanh at 2. None for one that does not saturate on both sides.

    Args:
        activation: as a Keras layer takes it.
    """
    function = keras.activations.get(activation)
    name = activation_name(function)
    if name in _LIMITS:
        return _LIMITS[name]
    if name in _NOT_MEASURED:
        return None
    points, values = _measured(function)
    # Over two steps: over one, how a device rounds would move the bound by a hundredth (softsign's on a GPU).
    slopes = np.abs((values[2:] - values[:-2]) / (points[2:] - points[:-2]))
    if not np.isfinite(slopes).all() or slopes.max() == 0:
        return None
    dynamic = np.abs(points[1:-1][slopes >= _SLOPE_SHARE * slopes.max()])
    farthest = float(dynamic.max())
    return None if farthest > _FARTHEST / 2 else round(farthest, 2)


def activation_range(activation: str | Callable[..., Any] | None, before: Range) -> Range:
    """The range of values behind an activation.

    Args:
        activation: as a Keras layer takes it.
        before: the range of the values that entered the layer; an activation without bounds of its own (ReLU
            upwards, linear both ways) is taken to keep within it, as in arpkeras.
    """
    function = keras.activations.get(activation)
    name = activation_name(function)
    if name in _RANGES:
        return _RANGES[name]
    low: float | None = None
    high: float | None = None
    if name == "relu":
        low = 0.0
    elif name not in _NOT_MEASURED:
        low, high = _bounds(function)
    if low is None:
        low = before[0] if high is None else min(before[0], high - 1.0)
    if high is None:
        high = before[1] if before[1] > low else low + 1.0
    return low, high


@functools.lru_cache(maxsize=256)
def _bounds(function: Callable[..., Any]) -> tuple[float | None, float | None]:
    """The bounds of an activation, measured; None where it has none."""
    points, values = _measured(function)
    if values.shape != points.shape or not np.isfinite(values).all():
        return None, None
    near = values[np.abs(points) <= _FARTHEST / 2]
    ends = ((values.min(), near.min()), (values.max(), near.max()))
    # One that still goes on from half as far on is not bounded there. 1e-3 of slack: 1/(1 + z) is slow.
    low, high = (round(float(near), 6) if abs(far - near) < 1e-3 else None for far, near in ends)
    return low, high


def _measured(function: Callable[..., Any]) -> tuple[np.ndarray, np.ndarray]:
    """Points along the axis of an activation, and its values there."""
    points = np.linspace(-_FARTHEST, _FARTHEST, 32769, dtype="float32")
    if isinstance(function, keras.layers.Layer):  # it would be built for the shape of these points
        function = type(function).from_config(function.get_config())
    with eagerly():
        values = np.asarray(ops.convert_to_numpy(function(ops.convert_to_tensor(points))), dtype="float64")
    return points, values


def activation_name(function: Any) -> str:
    """The name by which an activation is known, of a function or of an activation layer."""
    return str(getattr(function, "__name__", type(function).__name__)).lower()


def eagerly() -> Any:
    """Outside any graph that is being traced."""
    if keras.config.backend() == "tensorflow":
        import tensorflow as tf

        return tf.init_scope()
    if keras.config.backend() == "jax":
        import jax

        return jax.ensure_compile_time_eval()
    import contextlib

    return contextlib.nullcontext()
