"""The Auto-Rotation as arpkeras computes it: f a second time, on a whole batch of reference points."""

from typing import Any

import keras
from keras import ops

_EPSILON = 1e-5


def published(stock: Any) -> Any:
    """A class of rotated layers of a stock one, with a fixed limit and the uniform reference point.

    Args:
        stock: a layer class that is linear before its activation.
    """

    class Published(stock):  # type: ignore[misc]
        """Takes `limit` (L) and `reference` (the component of x_Q) beside what the stock layer takes."""

        def __init__(
            self,
            *args: Any,
            limit: float = 4.0,
            reference: float = 2.0,
            activation: Any = None,
            **kwargs: Any,
        ) -> None:
            super().__init__(*args, activation=None, **kwargs)
            self.limit, self.reference = limit, reference
            self.rotated_activation = keras.activations.get(activation)

        def call(self, inputs: Any) -> Any:
            response = super().call(inputs)
            at_reference = super().call(ops.full_like(inputs, self.reference))
            rho = self.limit / (ops.abs(at_reference) + _EPSILON)
            return self.rotated_activation(rho * response)

    return Published
