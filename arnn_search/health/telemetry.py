"""Gradient statistics of every step, accumulated inside the compiled training step.

Keras callbacks never see gradients, but the optimizer does. The telemetry gives the model's own optimizer
instance a run-time subclass of its class whose `apply` adds each kernel's root mean square gradient to a few
extra optimizer variables. Those travel with the optimizer's state on every backend, JAX's stateless one
included, so nothing is written per backend and no step is left out.
"""

import math
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True)
class EpochGradients:
    """What the telemetry saw since it was last read.

    Attributes:
        mean_rms: mean over the finite steps of the root mean square gradient of each kernel; shape
            `(layers,)`; NaN for a layer that had no finite step.
        max_rms: its largest value; shape `(layers,)`.
        steps: number of training steps.
        nonfinite_steps: number of those in which some kernel's gradient was not finite.
    """

    mean_rms: Array
    max_rms: Array
    steps: int
    nonfinite_steps: int


class GradientTelemetry:
    """Watches the gradients of a compiled and built model until `detach` is called.

    One row per trainable kernel, in the order of `model.trainable_variables`, which for functional and
    sequential models is from the input to the output.

    Args:
        model: a compiled `keras.Model` whose weights exist. With a loss-scaling optimizer the inner one is
            watched, which sees unscaled gradients.

    Raises:
        ValueError: the model is not compiled, not built, or has no trainable kernel.
    """

    def __init__(self, model: keras.Model) -> None:
        if getattr(model, "optimizer", None) is None:
            raise ValueError("Gradient telemetry needs a compiled model. Received one without an optimizer.")
        variables = model.trainable_variables
        self._rows = [index for index, variable in enumerate(variables) if is_kernel(variable)]
        if not self._rows:
            raise ValueError(f"Model {model.name!r} has no trainable kernel to follow the gradient of.")
        labels = (kernel_label(variables[index]) for index in self._rows)
        # A Sequential puts its own name before those of its layers, a functional model does not.
        self.layer_names = tuple(label.removeprefix(f"{model.name}/") for label in labels)
        outer = model.optimizer
        outer.build(variables)
        self._optimizer = getattr(outer, "inner_optimizer", outer)
        self._sizes = np.array([math.prod(variables[index].shape) for index in self._rows], dtype=np.float32)
        # Small operations are what following costs, so whatever is added up is added up at once: the sums
        # and the finite steps of each kernel, the steps that were not finite, and all of them.
        self._sums = self._add_variable((2 * len(self._rows) + 2,), "sums")
        self._rms_max = self._add_variable((len(self._rows),), "rms_max")
        self._original_class = type(self._optimizer)
        object.__setattr__(self._optimizer, "__class__", self._observed_class())

    def read(self) -> EpochGradients:
        """The statistics since the last call, which this call sets back to zero."""
        sums, largest = (
            np.array(ops.convert_to_numpy(variable), dtype=np.float32)
            for variable in (self._sums, self._rms_max)
        )
        total, finite, (nonfinite_steps, steps) = np.split(sums, [len(self._rows), 2 * len(self._rows)])
        for variable in (self._sums, self._rms_max):
            variable.assign(np.zeros(variable.shape, dtype=np.float32))
        mean = np.divide(total, finite, out=np.full_like(total, np.nan), where=finite > 0)
        return EpochGradients(mean, largest, steps=int(steps), nonfinite_steps=int(nonfinite_steps))

    def peek(self) -> Array:
        """The running sums, which stay as they are: two of them are what `gradients_between` takes."""
        return np.array(ops.convert_to_numpy(self._sums), dtype=np.float32)

    def detach(self) -> None:
        """Gives the optimizer its own class back; what it learned stays."""
        object.__setattr__(self._optimizer, "__class__", self._original_class)

    def _add_variable(self, shape: tuple[int, ...], name: str) -> Any:
        return self._optimizer.add_variable(
            shape=shape,
            initializer="zeros",
            dtype="float32",
            aggregation="only_first_replica",  # where there are several, all write the same
            name=f"telemetry_{name}",
        )

    def _observed_class(self) -> type:
        telemetry, original = self, self._original_class

        def apply(optimizer: Any, grads: Any, trainable_variables: Any = None) -> Any:
            telemetry._accumulate(grads)
            return original.apply(optimizer, grads, trainable_variables)

        return type(original.__name__, (original,), {"apply": apply, "__module__": original.__module__})

    def _accumulate(self, gradients: Any) -> None:
        gradients = list(gradients)
        followed = over_all_replicas([gradients[index] for index in self._rows])
        squares = ops.stack([sum_of_squares(gradient) for gradient in followed])
        rms = ops.sqrt(squares / ops.convert_to_tensor(self._sizes))
        is_finite = ops.isfinite(rms)
        rms = ops.where(is_finite, rms, ops.zeros_like(rms))
        finite = ops.cast(is_finite, "float32")
        nonfinite = 1.0 - ops.min(finite, axis=0, keepdims=True)
        self._sums.assign_add(ops.concatenate([rms, finite, nonfinite, ops.ones((1,), dtype="float32")]))
        self._rms_max.assign(ops.maximum(self._rms_max, rms))


def gradients_between(earlier: Array, later: Array) -> EpochGradients:
    """What the steps between two peeks showed; the largest value is not known of them, and NaN.

    Args:
        earlier: what `GradientTelemetry.peek` gave before the steps; zeros where the epoch began.
        later: what it gave after them.
    """
    num_layers = (len(later) - 2) // 2
    total, finite, (nonfinite_steps, steps) = np.split(later - earlier, [num_layers, 2 * num_layers])
    mean = np.divide(total, finite, out=np.full_like(total, np.nan), where=finite > 0)
    return EpochGradients(
        mean, np.full_like(mean, np.nan), steps=int(steps), nonfinite_steps=int(nonfinite_steps)
    )


def over_all_replicas(gradients: list[Any]) -> list[Any]:
    """The gradients of the whole batch, where TensorFlow has split it among devices that each hold a part.

    The optimizer adds them up later, out of sight. On JAX they are those of the whole batch already.
    """
    if keras.config.backend() != "tensorflow":
        return gradients
    import tensorflow as tf

    if tf.distribute.get_strategy().num_replicas_in_sync == 1:
        return gradients
    present = [gradient for gradient in gradients if gradient is not None]
    summed = iter(tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, present))
    return [None if gradient is None else next(summed) for gradient in gradients]


def sum_of_squares(gradient: Any) -> Any:
    """Of a kernel's gradient in float32, a scalar; 0 for a kernel that received none."""
    if gradient is None:
        return ops.zeros((), dtype="float32")
    return ops.sum(ops.square(ops.cast(gradient, "float32")))


def is_kernel(variable: Any) -> bool:
    """Whether a trainable variable is a kernel: named `kernel` or `..._kernel`, with two axes or more."""
    return str(variable.name).endswith("kernel") and len(variable.shape) >= 2


def kernel_label(variable: Any) -> str:
    """The layer's path, with the kind of kernel behind a dot where a layer can have several."""
    layer, _, kind = str(variable.path).rpartition("/")
    return layer if kind == "kernel" else f"{layer}.{kind.removesuffix('_kernel')}"
