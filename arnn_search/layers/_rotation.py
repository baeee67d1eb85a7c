"""The Auto-Rotation as pure functions of kernel, bias and limit. No batch enters here.

A classic unit computes a = σ(f(x)) with f(x) = w·x + b; an auto-rotating one computes a = σ(ρ f(x)) with

    ρ = L / (|f(x_Q)| + ε),    ε = 1e-5

Symbols: L is the limit; x_Q the reference point, outside the range that inputs take; f(x_Q) the reference
response. f(x_Q) depends on the weights alone, so ρ costs what a weight reparameterisation costs.

References: "Auto-Rotating Perceptrons" (arXiv:1910.02483), equations 1 to 5; "Auto-Rotating Neural Networks"
(Saromo-Mori, Valdenegro-Toro) for convolutions and learnable limits.
"""

import math
from typing import Any

from keras import ops

EPSILON = 1e-5
_LARGEST = 1e30
_SMALLEST = 1e-30


def rotation(limit: Any, response: Any) -> Any:
    """ρ = L / (|f(x_Q)| + ε), at most L / ε.

    A response so large that it overflowed counts as 1e30, so that neither ρ nor its gradient is ever
    infinite or NaN.

    Args:
        limit: L, shape `()` or that of the units.
        response: f(x_Q), shape `(..., units)`.
    """
    magnitude = ops.minimum(ops.abs(ops.where(ops.isfinite(response), response, _LARGEST)), _LARGEST)
    return limit / (magnitude + EPSILON)


def reference_value(value_range: tuple[float, float]) -> float:
    """Each component of the uniform reference point: x_Q = 2 x_max - x_min."""
    low, high = value_range
    return 2.0 * high - low


def uniform_response(kernel: Any, reference: float, *, axes: tuple[int, ...]) -> Any:
    """w·x_Q with all components of x_Q equal: the reference value times the sum of the weights.

    Args:
        kernel: the weights; the last axis counts the units.
        reference: the component of x_Q.
        axes: the axes to sum over.
    """
    return reference * ops.sum(kernel, axis=axes)


def aligned_response(kernel: Any, reference: float, *, axes: tuple[int, ...]) -> Any:
    """w·x_Q with x_Q = r w/|w|, which is r |w|: never near 0 unless the weights are.

    r is the distance of the uniform reference point from the origin, |reference| √n for n inputs.

    Args:
        kernel: the weights; the last axis counts the units.
        reference: the component of the uniform x_Q.
        axes: the axes of the inputs of a unit.
    """
    num_inputs = math.prod(kernel.shape[axis] for axis in axes)
    return abs(reference) * math.sqrt(num_inputs) * norm(kernel, axes=axes)


def norm(values: Any, *, axes: tuple[int, ...]) -> Any:
    """The Euclidean norm, without overflow, underflow, or a gradient that is not finite at zero."""
    scale = ops.stop_gradient(ops.maximum(ops.max(ops.abs(values), axis=axes, keepdims=True), _SMALLEST))
    squares = ops.sum(ops.square(values / scale), axis=axes)
    return ops.squeeze(scale, axis=axes) * ops.sqrt(squares + EPSILON * EPSILON)


def softplus_inverse(value: Any) -> Any:
    """The x with softplus(x) = value, for value > 0 (NumPy)."""
    import numpy as np

    value = np.asarray(value, dtype="float64")
    return value + np.log(-np.expm1(-value))
