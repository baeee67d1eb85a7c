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
# How large ρ f may become where inputs stay in their range. In float16 ρ = L / ε alone would overflow.
_HEADROOM = {"float16": 3e4}
_WIDE_HEADROOM = 1e18


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


def largest_rotation(kernel: Any, bias: Any, *, reach: float, axes: tuple[int, ...], dtype: str) -> Any:
    """The largest ρ with which |ρ f(x)| <= ρ (reach Σ|w| + |b|) stays well inside a precision.

    It is met only where f(x_Q) is 0 to nearly the last digit or weights are astronomically large; beyond it
    ρ is a constant, with no gradient.

    Args:
        kernel: the weights; the last axis counts the units.
        bias: shape `(units,)`, or None.
        reach: the largest magnitude of an input.
        axes: the axes of the inputs of a unit.
        dtype: of the computation.
    """
    most = max(reach, 1.0) * ops.sum(ops.abs(kernel), axis=axes)
    if bias is not None:
        most = most + ops.abs(bias)
    most = ops.maximum(ops.minimum(most, _LARGEST), 1e-10)
    return ops.stop_gradient(headroom(dtype) / most)


def headroom(dtype: str) -> float:
    """How large ρ f may become in a precision."""
    return _HEADROOM.get(dtype, _WIDE_HEADROOM)


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
