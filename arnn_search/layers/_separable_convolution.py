"""The auto-rotating separable convolutions."""

from typing import Any

import keras
import numpy as np
from keras import ops

from arnn_search.layers._rotated_convolution import AutoRotConvolution

_LARGEST_WEIGHT = 1e15


class AutoRotSeparableConvolution(AutoRotConvolution):
    """What they share: the reference point passes through the depthwise and the pointwise convolution.

    Both together are one linear map, whose kernel tells f(x_Q); ρ scales the pointwise kernel.
    """

    @property
    def num_units(self) -> int:
        """How many filters the layer has."""
        return int(self.pointwise_kernel.shape[-1])  # type: ignore[attr-defined]

    def response_kernel(self) -> Any:
        """The kernel of the convolution that does the same in one step, `(*taps, channels, filters)`."""
        depthwise, pointwise = self._kernels()
        by_channel = ops.reshape(pointwise, (*depthwise.shape[-2:], self.num_units))
        return ops.einsum("...cm,cmf->...cf", depthwise, by_channel)

    def scaled_kernels(self, scale: Any) -> list[Any]:
        depthwise, pointwise = self._kernels()
        return [depthwise, pointwise * scale]

    def _kernels(self) -> tuple[Any, Any]:
        """Depthwise and pointwise, held to where their product is still a number."""
        kernels = self.depthwise_kernel, self.pointwise_kernel  # type: ignore[attr-defined]
        depthwise, pointwise = (
            ops.clip(self.in_rotation_dtype(kernel), -_LARGEST_WEIGHT, _LARGEST_WEIGHT) for kernel in kernels
        )
        return depthwise, pointwise

    def linear_map(self, inputs: Any, *kernels: Any) -> Any:
        return ops.separable_conv(
            inputs,
            *kernels,
            strides=self.strides,  # type: ignore[attr-defined]
            padding=self.padding,  # type: ignore[attr-defined]
            dilation_rate=self.dilation_rate,  # type: ignore[attr-defined]
            data_format=self.data_format,  # type: ignore[attr-defined]
        )

    def vector_by_unit(self, vector: np.ndarray) -> np.ndarray:
        return vector[:, None]


@keras.saving.register_keras_serializable(package="arnn_search")
class AutoRotSeparableConv1D(AutoRotSeparableConvolution, keras.layers.SeparableConv1D):  # type: ignore[misc]
    """`keras.layers.SeparableConv1D` whose pre-activation is scaled by ρ = L / (|f(x_Q)| + ε), per filter.

    Args: those of `keras.layers.SeparableConv1D`, of `AutoRotated`, and `boundary`.

    Input shape: `(batch, steps, channels)`. Output shape: `(batch, new_steps, filters)`.

    Reference:
        "Auto-Rotating Neural Networks" (Saromo-Mori, Valdenegro-Toro).
    """


@keras.saving.register_keras_serializable(package="arnn_search")
class AutoRotSeparableConv2D(AutoRotSeparableConvolution, keras.layers.SeparableConv2D):  # type: ignore[misc]
    """`keras.layers.SeparableConv2D` whose pre-activation is scaled by ρ = L / (|f(x_Q)| + ε), per filter.

    Args: those of `keras.layers.SeparableConv2D`, of `AutoRotated`, and `boundary`.

    Input shape: `(batch, height, width, channels)`. Output shape: `(batch, new_height, new_width, filters)`.

    Reference:
        "Auto-Rotating Neural Networks" (Saromo-Mori, Valdenegro-Toro).
    """
