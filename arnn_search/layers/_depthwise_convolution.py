"""The auto-rotating depthwise convolutions."""

from typing import Any

import keras
import numpy as np
from keras import ops

from arnn_search.layers._rotated_convolution import AutoRotConvolution


class AutoRotDepthwiseConvolution(AutoRotConvolution):
    """What they share: each unit sees one channel, so that the kernel's last two axes count the units."""

    @property
    def num_units(self) -> int:
        """Channels times the depth multiplier."""
        return int(self.kernel.shape[-2] * self.kernel.shape[-1])  # type: ignore[attr-defined]

    def response_kernel(self) -> Any:
        kernel = self.rotation_kernel()
        return ops.reshape(kernel, (*kernel.shape[:-2], 1, self.num_units))

    def scaled_kernels(self, scale: Any) -> list[Any]:
        kernel = self.rotation_kernel()
        by_channel = scale if isinstance(scale, float) else ops.reshape(scale, kernel.shape[-2:])
        return [kernel * by_channel]

    def linear_map(self, inputs: Any, *kernels: Any) -> Any:
        return ops.depthwise_conv(
            inputs,
            *kernels,
            strides=self.strides,  # type: ignore[attr-defined]
            padding=self.padding,  # type: ignore[attr-defined]
            dilation_rate=self.dilation_rate,  # type: ignore[attr-defined]
            data_format=self.data_format,  # type: ignore[attr-defined]
        )

    def vector_by_unit(self, vector: np.ndarray) -> np.ndarray:
        return np.repeat(vector, self.num_units // len(vector))[None]


@keras.saving.register_keras_serializable(package="arnn_search")
class AutoRotDepthwiseConv1D(AutoRotDepthwiseConvolution, keras.layers.DepthwiseConv1D):  # type: ignore[misc]
    """`keras.layers.DepthwiseConv1D` whose pre-activation is scaled by ρ = L / (|f(x_Q)| + ε), per unit.

    A unit is one of the `depth_multiplier` filters of a channel, and f(x_Q) is taken over that channel alone.

    Args: those of `keras.layers.DepthwiseConv1D`, of `AutoRotated`, and `boundary`.

    Input shape: `(batch, steps, channels)`. Output shape: `(batch, new_steps, channels * depth_multiplier)`.
    """


@keras.saving.register_keras_serializable(package="arnn_search")
class AutoRotDepthwiseConv2D(AutoRotDepthwiseConvolution, keras.layers.DepthwiseConv2D):  # type: ignore[misc]
    """`keras.layers.DepthwiseConv2D` whose pre-activation is scaled by ρ = L / (|f(x_Q)| + ε), per unit.

    A unit is one of the `depth_multiplier` filters of a channel, and f(x_Q) is taken over that channel alone.

    Args: those of `keras.layers.DepthwiseConv2D`, of `AutoRotated`, and `boundary`.

    Input shape: `(batch, height, width, channels)`.
    Output shape: `(batch, new_height, new_width, channels * depth_multiplier)`.

    Reference:
        "Auto-Rotating Neural Networks" (Saromo-Mori, Valdenegro-Toro).
    """
