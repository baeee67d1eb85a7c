"""Gradient statistics of every step, accumulated inside the compiled training step.

Keras callbacks never see gradients, but the optimizer does. The telemetry gives the model's own optimizer
instance a run-time subclass of its class whose `apply` adds each kernel's root mean square gradient to a few
extra optimizer variables. Those travel with the optimizer's state on every backend, JAX's stateless one
included, so nothing is written per backend and no step is left out.
"""

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
        shape = (len(self._rows),)
        self._rms_sum = self._add_variable(shape, "rms_sum")
        self._rms_max = self._add_variable(shape, "rms_max")
        self._finite_steps = self._add_variable(shape, "finite_steps")
        self._counts = self._add_variable((2,), "steps_and_nonfinite_steps")
        self._original_class = type(self._optimizer)
        object.__setattr__(self._optimizer, "__class__", self._observed_class())

    def read(self) -> EpochGradients:
        """The statistics since the last call, which this call sets back to zero."""
        total, largest, finite, counts = (
            np.array(ops.convert_to_numpy(variable), dtype=np.float32)
            for variable in (self._rms_sum, self._rms_max, self._finite_steps, self._counts)
        )
        for variable in (self._rms_sum, self._rms_max, self._finite_steps, self._counts):
            variable.assign(np.zeros(variable.shape, dtype=np.float32))
        mean = np.divide(total, finite, out=np.full_like(total, np.nan), where=finite > 0)
        return EpochGradients(mean, largest, steps=int(counts[0]), nonfinite_steps=int(counts[1]))

    def detach(self) -> None:
        """Gives the optimizer its own class back; what it learned stays."""
        object.__setattr__(self._optimizer, "__class__", self._original_class)

    def _add_variable(self, shape: tuple[int, ...], name: str) -> Any:
        return self._optimizer.add_variable(
            shape=shape, initializer="zeros", dtype="float32", name=f"telemetry_{name}"
        )

    def _observed_class(self) -> type:
        telemetry, original = self, self._original_class

        def apply(optimizer: Any, grads: Any, trainable_variables: Any = None) -> Any:
            telemetry._accumulate(grads)
            return original.apply(optimizer, grads, trainable_variables)

        return type(original.__name__, (original,), {"apply": apply, "__module__": original.__module__})

    def _accumulate(self, gradients: Any) -> None:
        gradients = list(gradients)
        rms = ops.stack([root_mean_square(gradients[index]) for index in self._rows])
        finite = ops.isfinite(rms)
        rms = ops.where(finite, rms, ops.zeros_like(rms))
        finite = ops.cast(finite, "float32")
        nonfinite = 1.0 - ops.min(finite)
        self._rms_sum.assign_add(rms)
        self._rms_max.assign(ops.maximum(self._rms_max, rms))
        self._finite_steps.assign_add(finite)
        self._counts.assign_add(ops.stack([ops.ones_like(nonfinite), nonfinite]))


def root_mean_square(gradient: Any) -> Any:
    """sqrt(mean(gradient²)) in float32, a scalar; 0 for a kernel that received no gradient."""
    if gradient is None:
        return ops.zeros((), dtype="float32")
    return ops.sqrt(ops.mean(ops.square(ops.cast(gradient, "float32"))))


def is_kernel(variable: Any) -> bool:
    """Whether a trainable variable is a kernel: named `kernel` or `..._kernel`, with two axes or more."""
    return str(variable.name).endswith("kernel") and len(variable.shape) >= 2


def kernel_label(variable: Any) -> str:
    """The layer's path, with the kind of kernel behind a dot where a layer can have several."""
    layer, _, kind = str(variable.path).rpartition("/")
    return layer if kind == "kernel" else f"{layer}.{kind.removesuffix('_kernel')}"
