"""The auto-rotating convolutions over one, two and three axes."""

from typing import Any

import keras
from keras import ops

from arnn_search.layers._rotated_convolution import AutoRotConvolution


@keras.saving.register_keras_serializable(package="arnn_search")
class AutoRotConv1D(AutoRotConvolution, keras.layers.Conv1D):  # type: ignore[misc]
    """`keras.layers.Conv1D` whose pre-activation is scaled by ρ = L / (|f(x_Q)| + ε), per filter.

    Args: those of `keras.layers.Conv1D`, of `AutoRotated`, and `boundary`.

    Input shape: `(batch, steps, channels)`. Output shape: `(batch, new_steps, filters)`;
    with `data_format="channels_first"` the channels come second.
    `padding="causal"` pads before the first step only.

    Reference:
        "Auto-Rotating Neural Networks" (Saromo-Mori, Valdenegro-Toro).
    """

    def linear_map(self, inputs: Any, *kernels: Any) -> Any:
        if self.padding != "causal":
            return super().linear_map(inputs, *kernels)
        before = [self.dilation_rate[0] * (self.kernel_size[0] - 1), 0]
        steps_last = self.data_format == "channels_first"
        return ops.conv(
            ops.pad(inputs, [[0, 0], [0, 0], before] if steps_last else [[0, 0], before, [0, 0]]),
            *kernels,
            strides=list(self.strides),
            padding="valid",
            dilation_rate=self.dilation_rate,
            data_format=self.data_format,
        )


@keras.saving.register_keras_serializable(package="arnn_search")
class AutoRotConv2D(AutoRotConvolution, keras.layers.Conv2D):  # type: ignore[misc]
    """`keras.layers.Conv2D` whose pre-activation is scaled by ρ = L / (|f(x_Q)| + ε), per filter.

    Args: those of `keras.layers.Conv2D`, of `AutoRotated`, and `boundary`.

    Input shape: `(batch, height, width, channels)`. Output shape: `(batch, new_height, new_width, filters)`;
    with `data_format="channels_first"` the channels come second.

    Reference:
        "Auto-Rotating Neural Networks" (Saromo-Mori, Valdenegro-Toro).
    """


@keras.saving.register_keras_serializable(package="arnn_search")
class AutoRotConv3D(AutoRotConvolution, keras.layers.Conv3D):  # type: ignore[misc]
    """`keras.layers.Conv3D` whose pre-activation is scaled by ρ = L / (|f(x_Q)| + ε), per filter.

    Args: those of `keras.layers.Conv3D`, of `AutoRotated`, and `boundary`.

    Input shape: `(batch, depth, height, width, channels)`.
    Output shape: `(batch, new_depth, new_height, new_width, filters)`;
    with `data_format="channels_first"` the channels come second.

    Reference:
        "Auto-Rotating Neural Networks" (Saromo-Mori, Valdenegro-Toro).
    """
