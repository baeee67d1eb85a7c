"""The auto-rotating transposed convolutions."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from arnn_search.layers._rotated_convolution import AutoRotConvolution
from arnn_search.layers._taps import AxisTaps, transposed_axis_taps


class AutoRotTransposedConvolution(AutoRotConvolution):
    """What they share.

    With a stride, even a position inside the map sees only some of the taps, and neighbours see others. So
    with `boundary="padded"` ρ is a map wherever there is a stride or a border; `boundary="interior"` takes
    one ρ per filter, from the response of the average position inside, which sees 1 / strides of the taps.
    """

    @property
    def pads(self) -> bool:
        """Whether ρ is a map over positions: a transposed convolution has a border with any padding."""
        return bool(self.auto_rotation and self.boundary == "padded")

    @property
    def num_units(self) -> int:
        """How many filters the layer has."""
        return int(self.kernel.shape[-2])  # type: ignore[attr-defined]

    @property
    def share_of_taps(self) -> float:
        return 1.0 / float(math.prod(self.strides))  # type: ignore[attr-defined]

    def response_kernel(self) -> Any:
        """The kernel with the filters last, `(*taps, channels, filters)`."""
        return ops.swapaxes(self.rotation_kernel(), -1, -2)

    def scaled_kernels(self, scale: Any) -> list[Any]:
        by_filter = scale if isinstance(scale, float) else ops.reshape(scale, (self.num_units, 1))
        return [self.rotation_kernel() * by_filter]

    def linear_map(self, inputs: Any, *kernels: Any) -> Any:
        return ops.conv_transpose(
            inputs,
            *kernels,
            strides=list(self.strides),  # type: ignore[attr-defined]
            padding=self.padding,  # type: ignore[attr-defined]
            output_padding=self.output_padding,  # type: ignore[attr-defined]
            dilation_rate=self.dilation_rate,  # type: ignore[attr-defined]
            data_format=self.data_format,  # type: ignore[attr-defined]
        )

    def axis_taps(self, axis: int, size: Any) -> AxisTaps:
        output_padding = self.output_padding  # type: ignore[attr-defined]
        return transposed_axis_taps(
            size,
            taps=self.kernel_size[axis],  # type: ignore[attr-defined]
            stride=self.strides[axis],  # type: ignore[attr-defined]
            dilation=self.dilation_rate[axis],  # type: ignore[attr-defined]
            padding=self.padding,  # type: ignore[attr-defined]
            output_padding=output_padding[axis] if isinstance(output_padding, tuple) else output_padding,
        )

    def vector_by_unit(self, vector: np.ndarray) -> np.ndarray:
        return vector[:, None]


@keras.saving.register_keras_serializable(package="arnn_search")
class AutoRotConv1DTranspose(AutoRotTransposedConvolution, keras.layers.Conv1DTranspose):  # type: ignore[misc]
    """`keras.layers.Conv1DTranspose` whose pre-activation is scaled by ρ = L / (|f(x_Q)| + ε), per filter.

    Args: those of `keras.layers.Conv1DTranspose`, of `AutoRotated`, and `boundary`.

    Input shape: `(batch, steps, channels)`. Output shape: `(batch, new_steps, filters)`.

    Reference:
        "Auto-Rotating Neural Networks" (Saromo-Mori, Valdenegro-Toro).
    """


@keras.saving.register_keras_serializable(package="arnn_search")
class AutoRotConv2DTranspose(AutoRotTransposedConvolution, keras.layers.Conv2DTranspose):  # type: ignore[misc]
    """`keras.layers.Conv2DTranspose` whose pre-activation is scaled by ρ = L / (|f(x_Q)| + ε), per filter.

    Args: those of `keras.layers.Conv2DTranspose`, of `AutoRotated`, and `boundary`.

    Input shape: `(batch, height, width, channels)`. Output shape: `(batch, new_height, new_width, filters)`.

    Reference:
        "Auto-Rotating Neural Networks" (Saromo-Mori, Valdenegro-Toro).
    """


@keras.saving.register_keras_serializable(package="arnn_search")
class AutoRotConv3DTranspose(AutoRotTransposedConvolution, keras.layers.Conv3DTranspose):  # type: ignore[misc]
    """`keras.layers.Conv3DTranspose` whose pre-activation is scaled by ρ = L / (|f(x_Q)| + ε), per filter.

    Args: those of `keras.layers.Conv3DTranspose`, of `AutoRotated`, and `boundary`.

    Input shape: `(batch, depth, height, width, channels)`.
    Output shape: `(batch, new_depth, new_height, new_width, filters)`.

    Reference:
        "Auto-Rotating Neural Networks" (Saromo-Mori, Valdenegro-Toro).
    """
