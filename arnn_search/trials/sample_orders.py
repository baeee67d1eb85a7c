"""The orders in which TensorFlow's training sees the samples, one for each epoch."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

Part = tuple[np.ndarray, np.ndarray]


def sample_orders(num_samples: int) -> Any:
    """The order of the samples, another one each time it is asked for an iterator.

    Made as Keras' own array pipeline makes it, operation by operation: TensorFlow's seed of an operation that
    was given none is its place in its graph.
    """
    import tensorflow as tf

    def permutation(_: Any) -> Any:
        return tf.random.shuffle(tf.range(num_samples, dtype=tf.int64))

    options = tf.data.Options()
    options.experimental_optimization.apply_default_optimizations = False
    options.experimental_external_state_policy = tf.data.experimental.ExternalStatePolicy.IGNORE
    return tf.data.Dataset.range(1).map(permutation).prefetch(1).with_options(options)


def skip_orders(orders: Any, num_epochs: int) -> None:
    """Leaves out the orders of epochs that were trained before."""
    for _ in range(num_epochs):
        next(iter(orders))


def batches_after(num_epochs: int, training: Part, *, batch_size: int) -> Any:
    """The batches that `fit` makes of arrays, from a later epoch on, as a data set.

    Args:
        num_epochs: whose orders are left out.
        training: inputs and targets, `(samples, ...)` each.
        batch_size: samples per step.
    """
    import tensorflow as tf

    num_samples = len(training[0])
    orders = sample_orders(num_samples)
    skip_orders(orders, num_epochs)
    inputs, targets = (_as_fit_sees_it(part) for part in training)

    def next_order() -> Iterator[Any]:
        yield next(iter(orders))

    batches = (
        tf.data.Dataset.from_generator(
            next_order, output_signature=tf.TensorSpec((num_samples,), dtype=tf.int64)
        )
        .flat_map(lambda order: tf.data.Dataset.from_tensor_slices(order).batch(batch_size))
        .map(lambda rows: (tf.gather(inputs, rows), tf.gather(targets, rows)))
        .apply(tf.data.experimental.assert_cardinality(-(-num_samples // batch_size)))
    )
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return batches.with_options(options).prefetch(tf.data.AUTOTUNE)


def _as_fit_sees_it(array: np.ndarray) -> np.ndarray:
    floating = np.issubdtype(array.dtype, np.floating)
    return np.asarray(array, dtype=keras.config.floatx() if floating else array.dtype)
