"""The Auto-Rotation as arpkeras computes it: f a second time, on a whole batch of reference points."""

from typing import Any

import keras
from keras import ops

_EPSILON = 1e-5


class _PublishedRotation:
    """What both layers share. The limit is fixed and the reference point uniform.

    Args:
        limit: L.
        reference: the component of x_Q.
    """

    def __init__(self, *args: Any, limit: float, reference: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.limit, self.reference = limit, reference

    def call(self, inputs: Any) -> Any:
        """σ(ρ f(x)), with f(x_Q) for every sample."""
        response = self.pre_activation(inputs)
        at_reference = self.pre_activation(ops.full_like(inputs, self.reference))
        rho = self.limit / (ops.abs(at_reference) + _EPSILON)
        return self.activation(rho * response)  # type: ignore[attr-defined]


class PublishedDense(_PublishedRotation, keras.layers.Dense):  # type: ignore[misc]
    """A rotated `keras.layers.Dense`."""

    def pre_activation(self, inputs: Any) -> Any:
        """f(x), shape `(batch, units)`."""
        return ops.matmul(inputs, self.kernel) + self.bias


class PublishedConv2D(_PublishedRotation, keras.layers.Conv2D):  # type: ignore[misc]
    """A rotated `keras.layers.Conv2D`."""

    def pre_activation(self, inputs: Any) -> Any:
        """f(x), shape `(batch, height, width, filters)`."""
        return ops.add(self.convolution_op(inputs, self.kernel), self.bias)
