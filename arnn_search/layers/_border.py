"""Scaling what lies at the border of a map differently from what lies inside.

Inside, where every tap of a kernel meets the input, one factor per filter holds, and it is part of the
kernel. What is left is a ratio that is 1 inside. The product with it passes once over the batch; its gradient
by the ratio is computed where the ratio is not 1, since going over the whole batch for it would be slow.
"""

from collections.abc import Sequence
from typing import Any

from keras import ops

Inside = Sequence[tuple[int, int]]
"""For each spatial axis the first position inside, and the first one behind."""


def scale_outside(outputs: Any, ratio: Any, *, inside: Inside, first_axis: int) -> Any:
    """outputs x ratio, where the ratio is 1 inside and has no gradient there.

    Args:
        outputs: shape `(batch, ...)`, spatial axes from `first_axis` on.
        ratio: shape `(1, ...)`, otherwise as the outputs.
        inside: where the ratio is 1.
        first_axis: 1 if the channels come last, 2 if they come first.
    """

    @ops.custom_gradient  # type: ignore[untyped-decorator]
    def scaled(outputs: Any, ratio: Any) -> tuple[Any, Any]:
        def gradient(*arguments: Any, upstream: Any = None) -> tuple[Any, Any]:
            # Torch passes the inputs too, and names what comes from above.
            arriving = arguments[0] if upstream is None else upstream
            by_ratio = _sum_outside(arriving, outputs, inside, first_axis, axis=0)
            return arriving * ratio, ops.reshape(by_ratio, ratio.shape)

        return outputs * ratio, gradient

    return scaled(outputs, ratio)


def _sum_outside(left: Any, right: Any, inside: Inside, first_axis: int, *, axis: int) -> Any:
    """The sum of left x right over the batch outside, and 0 inside; shape as one sample's."""
    if axis == len(inside):
        cut = _cut(inside, first_axis, {})
        return ops.zeros_like(left[0][cut[1:]])
    low, high = inside[axis]
    parts = []
    for span in ((0, low), (high, None)):
        cut = _cut(inside[:axis], first_axis, {axis: span})
        if span[1] is None or span[1] > span[0]:
            parts.append(ops.sum(left[cut] * right[cut], axis=0))
    parts.insert(1 if low > 0 else 0, _sum_outside(left, right, inside, first_axis, axis=axis + 1))
    parts = [part for part in parts if part.shape[first_axis - 1 + axis] != 0]
    return ops.concatenate(parts, axis=first_axis - 1 + axis)


def _cut(inside: Inside, first_axis: int, others: dict[int, tuple[int, int | None]]) -> tuple[slice, ...]:
    """Slices of a batch: inside along the given axes, and as told along others."""
    spans: dict[int, tuple[int, int | None]] = {axis: span for axis, span in enumerate(inside)} | others
    whole = (slice(None),) * first_axis
    return whole + tuple(slice(*spans[axis]) for axis in range(len(spans)))
