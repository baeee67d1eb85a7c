"""The auto-rotating layer of any product that an einsum can write."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from arnn_search.layers._dense import AutoRotatedProduct


@keras.saving.register_keras_serializable(package="arnn_search")
class AutoRotEinsumDense(AutoRotatedProduct, keras.layers.EinsumDense):  # type: ignore[misc]
    """`keras.layers.EinsumDense` whose pre-activation is scaled by ρ = L / (|f(x_Q)| + ε), one ρ per unit.

    In `"abc,cde->abde"` the kernel's axes that are summed over (c) are those of the inputs of a unit, and the
    other ones (d, e) count the units.

    Args: those of `keras.layers.EinsumDense`, and those of `AutoRotated`. A vector as `reference_point` has a
    component for each input of a unit, in the order of the kernel's axes.

    Raises:
        ValueError: `bias_axes` names an axis that the kernel lacks: f(x_Q) would differ along it.

    Reference:
        "Auto-Rotating Perceptrons" (arXiv:1910.02483), equations 3 to 5.
    """

    def build(self, input_shape: Any) -> None:
        foreign = set(self.bias_axes or "") - set(self._kernel_labels)
        if self.auto_rotation and foreign:
            raise ValueError(
                f"`bias_axes` must be axes of the kernel to be rotated. Received: {self.bias_axes!r} with "
                f"equation {self.equation!r}."
            )
        super().build(input_shape)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        if not self.auto_rotation:
            return super().call(inputs, training=training)
        rho, bias = self.rho(), self.rotation_bias()
        (kernel,) = self.scaled_kernels(rho)
        outputs = ops.einsum(self.equation, self.cast_inputs(inputs), ops.cast(kernel, self.compute_dtype))
        if bias is not None:
            outputs = ops.add(outputs, ops.cast(self.stock_bias(bias * rho), self.compute_dtype))
        return outputs if self.activation is None else self.activation(outputs)

    @property
    def num_units(self) -> int:
        """The product of the kernel's axes that are not summed over."""
        return math.prod(self._sizes[label] for label in self._unit_labels)

    def num_features(self, input_shape: Any) -> int:
        """How many inputs a unit has."""
        return math.prod(self._sizes[label] for label in self._input_labels)

    def response_kernel(self) -> Any:
        """The kernel as a matrix, shape `(inputs, units)`."""
        order = [self._kernel_labels.index(label) for label in self._input_labels + self._unit_labels]
        return ops.reshape(ops.transpose(self.rotation_kernel(), order), (-1, self.num_units))

    def rotation_bias(self) -> Any:
        bias = super().rotation_bias()
        if bias is None:
            return None
        own = [self._sizes[label] if label in self.bias_axes else 1 for label in self._unit_labels]
        whole = [self._sizes[label] for label in self._unit_labels]
        return ops.reshape(ops.broadcast_to(ops.reshape(bias, own), whole), (-1,))

    def scaled_kernels(self, scale: Any) -> list[Any]:
        if isinstance(scale, float):
            return [self.rotation_kernel() * scale]
        units = [label for label in self._kernel_labels if label in self._unit_labels]
        by_unit = ops.reshape(scale, [self._sizes[label] for label in self._unit_labels])
        by_unit = ops.transpose(by_unit, [self._unit_labels.index(label) for label in units])
        shape = [self._sizes[label] if label in units else 1 for label in self._kernel_labels]
        return [self.rotation_kernel() * ops.reshape(by_unit, shape)]

    def stock_bias(self, bias: Any) -> Any:
        output = self._output_labels
        start = min(output.index(label) for label in self._unit_labels)
        shape = [self._sizes[label] if label in self._unit_labels else 1 for label in output[start:]]
        return ops.reshape(bias, shape + [1] * self._num_elided_behind)

    def stock_layer_with_bias(self) -> Any:
        return self.stock_layer(bias_axes="".join(self._unit_labels))

    def units_along(self, axis: int, values: Any) -> Any:
        shape = [self._sizes[label] for label in self._unit_labels]
        place = self._unit_labels.index(self._output_labels[axis])
        along = np.reshape(values, [size if index == place else 1 for index, size in enumerate(shape)])
        return np.broadcast_to(along, shape).reshape(-1)

    def counts_units(self, axis: int) -> bool:
        # Counted from behind, where an ellipsis stands in front.
        labels = self._output_labels
        known = not self._num_elided_behind and -len(labels) <= axis < 0
        return known and labels[axis] in self._unit_labels

    def stock_layer(self, **replaced: Any) -> Any:
        # ρb differs from unit to unit even where b does not.
        axes = None if self.bias_axes is None or not self.auto_rotation else "".join(self._unit_labels)
        return super().stock_layer(**{"bias_axes": axes or self.bias_axes} | replaced)

    @property
    def _kernel_labels(self) -> list[str]:
        return list(self.equation.partition(",")[2].partition("->")[0].strip())

    @property
    def _output_labels(self) -> list[str]:
        return list(self.equation.partition("->")[2].replace("...", "").strip())

    @property
    def _unit_labels(self) -> list[str]:
        return [label for label in self._output_labels if label in self._kernel_labels]

    @property
    def _input_labels(self) -> list[str]:
        return [label for label in self._kernel_labels if label not in self._output_labels]

    @property
    def _sizes(self) -> dict[str, int]:
        return dict(zip(self._kernel_labels, self.kernel.shape, strict=True))

    @property
    def _num_elided_behind(self) -> int:
        if not self.equation.endswith("..."):
            return 0
        return int(self.input_spec.ndim) - len(self.equation.partition(",")[0].replace("...", "").strip())
