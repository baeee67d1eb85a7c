"""Which taps of a kernel meet the input at which position of a padded convolution.

Padding is separable: along each axis, a position sees a set of taps. Few of those sets differ (three for a
3-tap kernel at stride 1: first, inner, last), so whatever depends on the taps alone is computed once for each
combination of sets and then laid out over the positions.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops


@dataclasses.dataclass(frozen=True)
class AxisTaps:
    """One axis of a padded convolution."""

    sets: Any
    """Which taps are in which set: 0 or 1, shape `(sets, taps)`."""
    positions: Any
    """Which position sees which set: 0 or 1, shape `(positions, sets)`; None if each has its own."""

    @property
    def whole_set(self) -> int | None:
        """Which set holds every tap; None if no position sees all of them, or if that is not known."""
        if self.positions is None:
            return None
        whole = np.flatnonzero(self.sets.all(axis=1))
        return int(whole[0]) if len(whole) else None


def axis_taps(size: Any, *, taps: int, stride: int, dilation: int, padding: str) -> AxisTaps:
    """The sets of taps along one axis.

    Args:
        size: of the input; an int, or a scalar tensor where it is not known before a batch comes.
        taps: of the kernel.
        stride: between positions.
        dilation: between taps.
        padding: `"same"`, `"causal"` (all before), or `"valid"`.
    """
    static = isinstance(size, (int, np.integer))
    span = (taps - 1) * dilation + 1
    if padding == "valid":
        num_positions, before = (size - span) // stride + 1, 0
    else:
        num_positions = (size + stride - 1) // stride
        total = (num_positions - 1) * stride + span - size
        total = max(total, 0) if static else ops.maximum(total, 0)
        before = span - 1 if padding == "causal" else total // 2
    if not static:
        starts = ops.expand_dims(ops.arange(num_positions) * stride, 1) - before
        meets = starts + ops.convert_to_tensor(np.arange(taps)[None] * dilation, dtype=starts.dtype)
        return AxisTaps(ops.cast(ops.logical_and(meets >= 0, meets < size), "float32"), None)
    meets = np.arange(num_positions)[:, None] * stride - before + np.arange(taps)[None] * dilation
    return _as_sets((meets >= 0) & (meets < size))


def transposed_axis_taps(
    size: Any, *, taps: int, stride: int, dilation: int, padding: str, output_padding: int | None
) -> AxisTaps:
    """The sets of taps along one axis of a transposed convolution; see `axis_taps`.

    The input is spread out by the stride, padded and convolved with the kernel from its last tap to its
    first, with Keras' rules for how much is padded.

    Raises:
        ValueError: the size is not known.
    """
    if not isinstance(size, (int, np.integer)):
        raise ValueError(
            "A transposed convolution with boundary='padded' needs an input of known size. Received one that "
            "is open; boundary='interior' does without."
        )
    span = (taps - 1) * dilation + 1
    if padding == "valid":
        before = span - 1
        after = span - 1 + (max(span, stride) - span if output_padding is None else output_padding)
    else:
        both = stride + span - 2 if output_padding is None else span + span % 2 - 2 + output_padding
        before = min(both // 2 + both % 2, span - 1)
        after = both - before
    last = (size - 1) * stride
    num_positions = last + 1 + before + after - span + 1
    spread = np.arange(num_positions)[:, None] + span - 1 - before - np.arange(taps)[None] * dilation
    return _as_sets((spread >= 0) & (spread <= last) & (spread % stride == 0))


def sum_over_sets(tap_values: Any, axes: Sequence[AxisTaps]) -> Any:
    """The sum over the taps of each combination of sets.

    Args:
        tap_values: shape `(*taps, units)`.
        axes: one for each spatial axis.

    Returns:
        Shape `(*sets, units)`.
    """
    return _contract(tap_values, [axis.sets for axis in axes])


def lay_out(set_values: Any, axes: Sequence[AxisTaps]) -> Any:
    """What belongs to the sets, at the positions that see them.

    Args:
        set_values: shape `(*sets, units)`.
        axes: one for each spatial axis.

    Returns:
        Shape `(*positions, units)`.
    """
    return _contract(set_values, [axis.positions for axis in axes])


def _contract(values: Any, matrices: Sequence[Any]) -> Any:
    for axis, matrix in enumerate(matrices):
        if matrix is not None:
            product = ops.tensordot(ops.cast(matrix, values.dtype), values, axes=[[1], [axis]])
            values = ops.moveaxis(product, 0, axis)
    return values


def _as_sets(seen: np.ndarray) -> AxisTaps:
    """The rows that differ, and which position has which; `seen` has shape `(positions, taps)`."""
    sets, which = np.unique(seen, axis=0, return_inverse=True)
    return AxisTaps(sets.astype("float32"), np.eye(len(sets), dtype="float32")[which.reshape(-1)])
