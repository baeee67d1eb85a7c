"""Scaling what lies at the border of a map differently from what lies inside.

Inside, where every tap of a kernel meets the input, one factor per filter holds, and it is part of the
kernel. What is left is a ratio that is 1 inside. The product with it passes once over the batch; its gradient
by the ratio is computed where the ratio is not 1, since going over the whole batch for it would be slow.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops


def scale_outside(
    outputs: Any, ratios: Any, *, sets: np.ndarray, inside: int, channels_first: bool = False
) -> Any:
    """outputs x the ratio of the set that each position belongs to; inside it is 1 and has no gradient.

    Args:
        outputs: shape `(batch, *positions, units)`, or `(batch, units, *positions)`.
        ratios: shape `(sets, units)`.
        sets: the set of each position, shape `(*positions)`.
        inside: the set of the positions inside.
        channels_first: whether the units come before the positions.
    """
    num_positions, num_units = sets.size, outputs.shape[1 if channels_first else -1]
    axis = 2 if channels_first else 1
    flat_shape = (-1, num_units, num_positions) if channels_first else (-1, num_positions, num_units)
    outside = np.flatnonzero(sets != inside)
    by_set = np.eye(ratios.shape[0])[:, sets.ravel()[outside]]

    # The product is made outside of what has a gradient of its own, which would keep both its sides alive:
    # so it can be made in place.
    @ops.custom_gradient  # type: ignore[untyped-decorator]
    def with_gradient_by_ratio(product: Any, ratios: Any, kept: Any) -> tuple[Any, Any]:
        def gradient(*arguments: Any, upstream: Any = None) -> tuple[Any, Any, Any]:
            # Torch passes the inputs too, and names what comes from above.
            arriving = arguments[0] if upstream is None else upstream
            sums = ops.sum(ops.take(arriving, outside, axis=axis) * kept, axis=0)
            if channels_first:
                sums = ops.transpose(sums)
            by_ratio = ops.matmul(ops.convert_to_tensor(by_set, sums.dtype), sums)
            return _after(arriving, sums), by_ratio, ops.zeros_like(kept)

        return product, gradient

    flat = ops.reshape(outputs, flat_shape)
    kept = ops.stop_gradient(ops.take(flat, outside, axis=axis))
    ratio = ops.take(ops.stop_gradient(ratios), sets.ravel(), axis=0)
    if channels_first:
        ratio = ops.transpose(ratio)
    product = with_gradient_by_ratio(_after(flat, kept) * ratio, ratios, kept)
    return ops.reshape(product, (-1, *outputs.shape[1:]))


def combined_sets(sets_by_axis: Sequence[np.ndarray], counts: Sequence[int]) -> np.ndarray:
    """The combination of sets of each position, counted as the rows of an array of all of them are.

    Args:
        sets_by_axis: for each axis the set of each position along it.
        counts: how many sets each axis has.
    """
    return np.asarray(np.ravel_multi_index(np.meshgrid(*sets_by_axis, indexing="ij"), tuple(counts)))


def _after(value: Any, earlier: Any) -> Any:
    """The value, for use when `earlier` has been computed from it: then TensorFlow overwrites it in place."""
    if keras.backend.backend() != "tensorflow":
        return value
    import tensorflow as tf

    with tf.control_dependencies([earlier]):
        return tf.identity(value)
