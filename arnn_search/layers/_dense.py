"""The auto-rotating perceptron layer, and what it shares with that of any product of inputs and weights."""

from typing import Any

import keras
from keras import ops

from arnn_search.layers._rotated import AutoRotated
from arnn_search.layers._rotation import aligned_response, headroom, rotation, uniform_response

_MANY_INPUTS = 128
"""As many as a batch usually has samples."""


class AutoRotatedProduct(AutoRotated):
    """Layers whose `response_kernel` has the shape `(inputs, units)`: one ρ for each unit."""

    def reference_response(self) -> Any:
        kernel = self.response_kernel()
        if self.reference_point == "uniform":
            response = uniform_response(kernel, self.reference, axes=(0,))
        elif self.reference_point == "aligned":
            response = aligned_response(kernel, self.reference, axes=(0,))
        else:
            response = ops.matmul(self.reference_vector(), kernel)
        bias = self.rotation_bias()
        return response if bias is None else response + bias


@keras.saving.register_keras_serializable(package="arnn_search")
class AutoRotDense(AutoRotatedProduct, keras.layers.Dense):  # type: ignore[misc]
    """`keras.layers.Dense` whose pre-activation is scaled by ρ = L / (|f(x_Q)| + ε), one ρ per unit.

    The batch is evaluated once: ρ scales kernel and bias before the product, σ((ρW) x + ρb), or its outputs,
    σ(ρ (W x + b)), where they are fewer than the weights.

    Args: those of `keras.layers.Dense`, and those of `AutoRotated`.

    Input shape: `(batch, ..., features)`. Output shape: `(batch, ..., units)`.

    Example:
        ```python
        x = AutoRotDense(64, activation="sigmoid", learn_limit=True)(x)
        ```

    Reference:
        "Auto-Rotating Perceptrons" (arXiv:1910.02483), equations 3 to 5.
    """

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        if not self.auto_rotation:
            return super().call(inputs, training=training)
        if self._scales_outputs(inputs):
            outputs = self._rotated_outputs(self.cast_inputs(inputs))
        else:
            rho, bias = self.rho(), self.rotation_bias()
            (kernel,) = self.scaled_kernels(rho)
            outputs = ops.matmul(self.cast_inputs(inputs), ops.cast(kernel, self.compute_dtype))
            if bias is not None:
                outputs = ops.add(outputs, ops.cast(bias * rho, self.compute_dtype))
        return outputs if self.activation is None else self.activation(outputs)

    def _scales_outputs(self, inputs: Any) -> bool:
        """Whether outputs are scaled, not weights: where a unit has more inputs than a batch has samples.

        Not in half precision, whose range f(x) might leave before it is scaled.
        """
        is_wide = len(inputs.shape) == 2 and self.kernel.shape[0] >= _MANY_INPUTS
        return bool(is_wide and self.compute_dtype == self.rotation_dtype)

    def _rotated_outputs(self, inputs: Any) -> Any:
        """ρ (W x + b), without a pass over the weights of its own: x_Q is one more row of the batch.

        What keeps ρ f within the precision (`largest_rotation`) is here told from the batch.
        """
        if self.reference_point == "aligned":
            outputs = ops.matmul(inputs, self.rotation_kernel())
            bias = self.rotation_bias()
            return (outputs if bias is None else ops.add(outputs, bias)) * self.rho()
        if self.reference_point == "uniform":
            # `ops.full` would have torch read the number back from the device.
            point = self.reference * ops.ones((1, inputs.shape[1]), dtype=inputs.dtype)
        else:
            point = ops.expand_dims(self.reference_vector(), 0)
        rows = ops.matmul(ops.concatenate([inputs, point]), self.rotation_kernel())
        bias = self.rotation_bias()
        rows = rows if bias is None else ops.add(rows, bias)
        rho = rotation(self.limit_values(), rows[-1])
        most = ops.maximum(ops.max(ops.abs(rows), axis=0), 1e-10)
        rho = ops.minimum(rho, ops.stop_gradient(headroom(self.compute_dtype) / most))
        return rows[:-1] * rho
