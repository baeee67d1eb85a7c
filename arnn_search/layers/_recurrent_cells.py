"""The auto-rotating cells: one step of a recurrence, for `keras.layers.RNN`."""

from typing import Any

import keras

from arnn_search.layers._activations import Range, activation_range
from arnn_search.layers._operation_range import hull
from arnn_search.layers._recurrent_cell import AutoRotatedCell


@keras.saving.register_keras_serializable(package="arnn_search")
class AutoRotSimpleRNNCell(AutoRotatedCell, keras.layers.SimpleRNNCell):  # type: ignore[misc]
    """`keras.layers.SimpleRNNCell` with a rotated pre-activation: h = σ(ρ (W x + U h + b)).

    Args: those of `keras.layers.SimpleRNNCell`, and those of `AutoRotatedCell`.

    Input shape: `(batch, features)` and the state `(batch, units)`. Output shape: `(batch, units)`.

    Reference:
        "Auto-Rotating Perceptrons" (arXiv:1910.02483), equations 3 to 5, of inputs and state together.
    """

    def gate_activations(self) -> tuple[Any, ...]:
        return (self.activation,)


@keras.saving.register_keras_serializable(package="arnn_search")
class AutoRotLSTMCell(AutoRotatedCell, keras.layers.LSTMCell):  # type: ignore[misc]
    """`keras.layers.LSTMCell` with each gate rotated: i = σ(ρ_i (W_i x + U_i h + b_i)), and so f, c and o.

    The state that comes back is h = o * act(c), so h_Q is taken from the product of both activations' ranges.
    The carry is not rotated: nothing linear stands before its activation.

    Args: those of `keras.layers.LSTMCell`, and those of `AutoRotatedCell`.

    Input shape: `(batch, features)` and two states `(batch, units)`. Output shape: `(batch, units)`.

    Reference:
        "Auto-Rotating Perceptrons" (arXiv:1910.02483), equations 3 to 5, of inputs and state together.
    """

    def gate_activations(self) -> tuple[Any, ...]:
        gate = self.recurrent_activation
        return gate, gate, self.activation, gate

    def state_range(self) -> Range:
        before = self.value_range or (0.0, 1.0)
        act, gate = (
            activation_range(self.activation, before),
            activation_range(self.recurrent_activation, before),
        )
        corners = [one * two for one in act for two in gate]
        return hull([(min(corners), max(corners)), (0.0, 0.0)])


@keras.saving.register_keras_serializable(package="arnn_search")
class AutoRotGRUCell(AutoRotatedCell, keras.layers.GRUCell):  # type: ignore[misc]
    """`keras.layers.GRUCell` with each gate rotated: z = σ(ρ_z (W_z x + U_z h + b_z)), and so r.

    The candidate has the reset gate r inside. Its reference is taken at r = 1, where it is linear in inputs
    and state, and both of its parts are scaled by the same ρ: r stays a factor of the state's part, and
    the whole pre-activation is rotated whatever r is.

        reset_after:      act(ρ (W x + b_i + r * (U h + b_r)))
        not reset_after:  act(ρ (W x + b + U (r * h)))

    Args: those of `keras.layers.GRUCell`, and those of `AutoRotatedCell`.

    Input shape: `(batch, features)` and the state `(batch, units)`. Output shape: `(batch, units)`.

    Reference:
        "Auto-Rotating Perceptrons" (arXiv:1910.02483), equations 3 to 5, of inputs and state together.
    """

    def gate_activations(self) -> tuple[Any, ...]:
        return self.recurrent_activation, self.recurrent_activation, self.activation
