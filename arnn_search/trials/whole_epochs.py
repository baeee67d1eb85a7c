"""Epochs that are one call each of a compiled TensorFlow function, on data that lie on the device.

What Keras' `fit` spends beside the steps themselves is spent here once or not at all: a data pipeline that
hands over every batch, a return to Python every few steps, and a second tracing of the training step, which
TensorFlow asks for when variables come into being during the first.
"""

import sys
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from arnn_search.trials.sample_orders import sample_orders, skip_orders

Part = tuple[np.ndarray, np.ndarray]


class WholeEpochs:
    """Trains and validates a compiled model; same batches, same order, same numbers as `fit`.

    Args:
        model: compiled, with Keras' own training step, on the TensorFlow backend.
        training: inputs and targets, `(samples, ...)` each.
        validation: the same; None for none.
        batch_size: samples per step.
    """

    def __init__(
        self, model: keras.Model, training: Part, validation: Part | None, *, batch_size: int
    ) -> None:
        import tensorflow as tf

        self._model = model
        self._orders = sample_orders(len(training[0]))
        _create_variables(model, training)
        inputs, targets = map(_on_device, training)

        def ordered(rows: Any) -> tuple[Any, Any]:
            return tf.gather(inputs, rows), tf.gather(targets, rows)

        train_step, num_samples = _step(model, model.train_step), len(training[0])
        self._batch_size, self._num_samples = batch_size, num_samples
        self._train = tf.function(
            lambda order, first, last: _run_steps(
                lambda low, high: train_step(ordered(order[low:high])),
                num_samples,
                batch_size,
                first=first,
                last=last,
            ),
            autograph=False,
        )
        self._validate = None
        if validation is not None:
            test_step, kept = _step(model, model.test_step), tuple(map(_on_device, validation))
            self._validate = tf.function(
                lambda: _run_steps(
                    lambda low, high: test_step((kept[0][low:high], kept[1][low:high])),
                    len(validation[0]),
                    batch_size,
                ),
                autograph=False,
            )

    def skip(self, num_epochs: int) -> None:
        """Leaves out the orders of epochs that were trained before."""
        skip_orders(self._orders, num_epochs)

    def run(
        self,
        *,
        inspect: Callable[[int], bool] | None = None,
        steps_between: int = 0,
        last_step: int = sys.maxsize,
    ) -> dict[str, float]:
        """Trains one epoch and validates; returns the metrics, those of the validation as `val_...`.

        Args:
            inspect: called with the number of steps done; the epoch is broken off, and not validated, where
                it answers False. It may read the metrics so far, and reset them.
            steps_between: steps from one call of it to the next; 0 for none.
            last_step: after which it is not called any more.
        """
        import tensorflow as tf

        self._model.reset_metrics()
        order, size = next(iter(self._orders)), self._num_samples
        first = 0
        while first < size:
            is_watched = inspect and steps_between and first < last_step * self._batch_size
            last = min(first + steps_between * self._batch_size, size) if is_watched else size
            self._train(order, tf.constant(first), tf.constant(last))
            if is_watched and inspect and not inspect(-(-last // self._batch_size)):
                return _metrics(self._model)
            first = last
        metrics = _metrics(self._model)
        if self._validate is not None:
            self._model.reset_metrics()
            self._validate()
            metrics |= {f"val_{name}": value for name, value in _metrics(self._model).items()}
        return metrics

    def train_on_batch(self, index: int) -> None:
        """One training step on the batch of that number of the samples in their own order, with the function
        that trains the epochs.
        """
        import tensorflow as tf

        first = index * self._batch_size
        last = min(first + self._batch_size, self._num_samples)
        self._train(tf.range(self._num_samples, dtype=tf.int64), tf.constant(first), tf.constant(last))


def _run_steps(
    step: Callable[[Any, Any], Any], num_samples: int, batch_size: int, *, first: Any = 0, last: Any = None
) -> None:
    """Calls the step with the first sample of each batch and the first one after it.

    Args:
        step: what to call.
        num_samples: in all.
        batch_size: samples per step.
        first: the sample to begin with.
        last: the first sample that is left out; None for all.
    """
    import tensorflow as tf

    end = num_samples if last is None else last

    def body(low: Any) -> tuple[Any]:
        step(low, tf.minimum(low + batch_size, num_samples))
        return (low + batch_size,)

    tf.while_loop(lambda low: low < end, body, (tf.convert_to_tensor(first),), parallel_iterations=1)


def _step(model: keras.Model, step: Callable[[Any], Any]) -> Callable[[Any], Any]:
    import tensorflow as tf

    return tf.function(step, jit_compile=True, reduce_retracing=True) if model.jit_compile else step


def _create_variables(model: keras.Model, training: Part) -> None:
    """Those of optimizer and metrics, which else come into being while the step is traced, and again."""
    model.optimizer.build(model.trainable_variables)
    inputs, targets = (keras.ops.convert_to_tensor(part[:1]) for part in training)
    model.compute_metrics(inputs, targets, model(inputs, training=False))
    model.reset_metrics()


def _on_device(array: np.ndarray) -> Any:
    import tensorflow as tf

    floating = np.issubdtype(array.dtype, np.floating)
    return tf.constant(np.asarray(array), dtype=keras.config.floatx() if floating else None)


def _metrics(model: keras.Model) -> dict[str, float]:
    results: Mapping[str, Any] = model.get_metrics_result()
    return {name: float(value) for name, value in results.items()}
