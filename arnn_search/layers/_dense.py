"""The auto-rotating perceptron layer, and what it shares with that of any product of inputs and weights."""

from typing import Any

import keras
from keras import ops

from arnn_search.layers._rotated import AutoRotated
from arnn_search.layers._rotation import aligned_response, uniform_response


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

    ρ is folded into kernel and bias before the product, σ((ρW) x + ρb), so that the batch is evaluated once.

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
        rho, bias = self.rho(), self.rotation_bias()
        (kernel,) = self.scaled_kernels(rho)
        outputs = ops.matmul(self.cast_inputs(inputs), ops.cast(kernel, self.compute_dtype))
        if bias is not None:
            outputs = ops.add(outputs, ops.cast(bias * rho, self.compute_dtype))
        return outputs if self.activation is None else self.activation(outputs)
