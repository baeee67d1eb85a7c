"""The auto-rotating recurrent layers."""

import keras

from arnn_search.layers._recurrence import AutoRotatedRecurrence
from arnn_search.layers._recurrent_cells import AutoRotGRUCell, AutoRotLSTMCell, AutoRotSimpleRNNCell


@keras.saving.register_keras_serializable(package="arnn_search")
class AutoRotSimpleRNN(AutoRotatedRecurrence, keras.layers.SimpleRNN):  # type: ignore[misc]
    """`keras.layers.SimpleRNN` with a rotated pre-activation: h = σ(ρ (W x + U h + b)).

    Args: those of `keras.layers.SimpleRNN`, and those of `AutoRotatedCell`.

    Input shape: `(batch, steps, features)`. Output shape: `(batch, units)`, or `(batch, steps, units)` with
    `return_sequences`; the states follow with `return_state`.

    Reference:
        "Auto-Rotating Neural Networks" (Saromo-Mori, Valdenegro-Toro).
    """

    cell_class = AutoRotSimpleRNNCell


@keras.saving.register_keras_serializable(package="arnn_search")
class AutoRotLSTM(AutoRotatedRecurrence, keras.layers.LSTM):  # type: ignore[misc]
    """`keras.layers.LSTM` with each gate rotated; see `AutoRotLSTMCell`.

    Args: those of `keras.layers.LSTM`, and those of `AutoRotatedCell`.

    Input shape: `(batch, steps, features)`. Output shape: `(batch, units)`, or `(batch, steps, units)` with
    `return_sequences`; the states follow with `return_state`.

    Example:
        ```python
        x = keras.layers.Bidirectional(AutoRotLSTM(32, value_range=(0, 1)))(x)
        ```

    Reference:
        "Auto-Rotating Neural Networks" (Saromo-Mori, Valdenegro-Toro).
    """

    cell_class = AutoRotLSTMCell


@keras.saving.register_keras_serializable(package="arnn_search")
class AutoRotGRU(AutoRotatedRecurrence, keras.layers.GRU):  # type: ignore[misc]
    """`keras.layers.GRU` with each gate rotated; see `AutoRotGRUCell` for the candidate and its reset gate.

    Args: those of `keras.layers.GRU`, and those of `AutoRotatedCell`.

    Input shape: `(batch, steps, features)`. Output shape: `(batch, units)`, or `(batch, steps, units)` with
    `return_sequences`; the states follow with `return_state`.

    Reference:
        "Auto-Rotating Neural Networks" (Saromo-Mori, Valdenegro-Toro).
    """

    cell_class = AutoRotGRUCell
