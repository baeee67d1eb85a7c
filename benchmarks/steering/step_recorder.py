"""What every training step shows, written down inside the compiled step: no return to Python in between."""

from typing import Any

import numpy as np

from arnn_search.health import GradientTelemetry
from arnn_search.health.telemetry import is_kernel, sum_of_squares


class StepRecorder(GradientTelemetry):
    """The package's telemetry, which also keeps each step of an epoch. On TensorFlow.

    Args:
        model: compiled and built, with `loss` and `accuracy` as its metrics, which have been called.
        steps: per epoch.
    """

    def __init__(self, model: Any, *, steps: int) -> None:
        import tensorflow as tf

        self._model, self._steps = model, steps
        self._kernels = [variable for variable in model.trainable_variables if is_kernel(variable)]
        width = len(self._kernels) + 2 + len(model.metrics_variables)
        self._rows_kept = tf.Variable(tf.zeros((steps, width)), trainable=False)
        self._position = tf.Variable(0, dtype=tf.int64, trainable=False)
        super().__init__(model)

    def take(self) -> dict[str, np.ndarray]:
        """The steps since the last call, at most an epoch's.

        Returns:
            `gradient_rms` `(steps, kernels)`; `update`, the least and the largest ratio over kernels of the
            root mean square update to that of the weights, `(steps, 2)`; `loss` and `accuracy` `(steps,)`.
        """
        count = int(self._position.numpy())
        rows = self._rows_kept.numpy()[:count].astype(np.float64)
        last = np.array([float(value) for value in self._model.metrics_variables])
        self._position.assign(0)
        kernels = len(self._kernels)
        totals = rows[:, kernels + 2 :]
        loss_sum, loss_count = totals[:, 0], totals[:, 1]
        # Accuracy is added up after the update, so a step's row holds what was known before it.
        hits, seen = np.append(totals[1:, 2], last[2]), np.append(totals[1:, 3], last[3])
        gained = [np.diff(values, prepend=0.0) for values in (loss_sum, loss_count, hits, seen)]
        return {
            "gradient_rms": rows[:, :kernels].astype(np.float32),
            "update": rows[:, kernels : kernels + 2].astype(np.float32),
            "loss": (gained[0] / gained[1]).astype(np.float32),
            "accuracy": (gained[2] / gained[3]).astype(np.float32),
        }

    def _observed_class(self) -> type:
        import tensorflow as tf

        recorder, original = self, self._original_class

        def apply(optimizer: Any, grads: Any, trainable_variables: Any = None) -> Any:
            gradients = list(grads)
            recorder._accumulate(gradients)
            before = [tf.identity(kernel.value) for kernel in recorder._kernels]
            result = original.apply(optimizer, gradients, trainable_variables)
            recorder._write(gradients, before)
            return result

        return type(original.__name__, (original,), {"apply": apply, "__module__": original.__module__})

    def _write(self, gradients: list[Any], before: list[Any]) -> None:
        import tensorflow as tf

        rms = [
            tf.sqrt(sum_of_squares(gradients[row]) / size)
            for row, size in zip(self._rows, self._sizes, strict=True)
        ]
        ratios = [
            tf.sqrt(
                tf.reduce_mean(tf.square(kernel.value - old))
                / tf.maximum(tf.reduce_mean(tf.square(old)), 1e-20)
            )
            for kernel, old in zip(self._kernels, before, strict=True)
        ]
        metrics = [tf.cast(variable.value, tf.float32) for variable in self._model.metrics_variables]
        row = tf.stack([*rms, tf.reduce_min(ratios), tf.reduce_max(ratios), *metrics])
        index = tf.minimum(self._position, self._steps - 1)
        self._rows_kept.assign(
            tf.tensor_scatter_nd_update(self._rows_kept, tf.reshape(index, (1, 1)), tf.expand_dims(row, 0))
        )
        self._position.assign_add(1)
