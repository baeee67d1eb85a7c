"""The auto-rotating convolutions."""

from typing import Any, Literal

import keras
import numpy as np
from keras import ops

from arnn_search.layers._rotated import AutoRotated
from arnn_search.layers._rotation import EPSILON, aligned_response, uniform_response

BOUNDARIES = ("padded", "interior")


class AutoRotConvolution(AutoRotated):
    """What the auto-rotating convolutions of every rank share.

    Where every tap of the kernel meets the input there is one ρ per filter, folded into kernel and bias. At a
    padded border fewer taps do, and f(x_Q) differs from position to position.

    Arguments beside those of `AutoRotated`:
        boundary: `"padded"`, as published: x_Q is padded as the input is, and ρ is a map over positions; or
            `"interior"`: one ρ per filter everywhere, which keeps translation equivariance and folds into a
            stock convolution. The same thing where nothing is padded.
    """

    def __init__(self, *args: Any, boundary: Literal["padded", "interior"] = "padded", **kwargs: Any) -> None:
        if boundary not in BOUNDARIES:
            raise ValueError(f"`boundary` must be one of {', '.join(BOUNDARIES)}. Received: {boundary!r}.")
        super().__init__(*args, **kwargs)
        self.boundary = boundary
        self._spatial_shape: tuple[int | None, ...] | None = None

    def build(self, input_shape: Any) -> None:
        """Creates the weights; see `AutoRotated.build`."""
        super().build(input_shape)
        first = 2 if self.data_format == "channels_first" else 1  # type: ignore[attr-defined]
        self._spatial_shape = tuple(input_shape[first : first + self.rank])  # type: ignore[attr-defined]

    @property
    def pads(self) -> bool:
        """Whether ρ is a map over positions."""
        return bool(self.auto_rotation and self.boundary == "padded" and self.padding != "valid")  # type: ignore[attr-defined]

    def call(self, inputs: Any) -> Any:
        inputs = self.cast_inputs(inputs)
        kernel = self.float_kernel()
        bias = None if self.bias is None else ops.cast(self.bias, "float32")  # type: ignore[attr-defined]
        rho = None
        if self.pads:
            rho = self._rho_at(self._positions_of(inputs))
        elif self.auto_rotation:
            scale = self.rho()
            kernel, bias = kernel * scale, None if bias is None else bias * scale
        outputs = self.convolution_op(inputs, ops.cast(kernel, self.compute_dtype))  # type: ignore[attr-defined]
        if bias is not None:
            outputs = outputs + self._along_channels(ops.cast(bias, outputs.dtype))
        if rho is not None:
            outputs = outputs * ops.cast(rho, outputs.dtype)
        return outputs if self.activation is None else self.activation(outputs)  # type: ignore[attr-defined]

    def reference_response(self) -> Any:
        """f(x_Q): shape `(filters,)`, or `(1, *positions, filters)` (channels as in the data) if padded."""
        if not self.pads:
            return self._interior_response()
        if self._spatial_shape is None or None in self._spatial_shape:
            raise ValueError(
                f"{self.name}: with boundary='padded' the response depends on the size of the input, "  # type: ignore[attr-defined]
                f"which is open. Received: {self._spatial_shape}."
            )
        return self._padded_response(self._spatial_shape)

    def _rho_at(self, spatial_shape: tuple[Any, ...]) -> Any:
        from arnn_search.layers._rotation import rotation

        limits = self.limit_values()
        if self.limit_per_unit:
            limits = self._along_channels(limits)
        return rotation(limits, self._padded_response(spatial_shape))

    def rho(self) -> Any:
        """ρ, of the shape of `reference_response`."""
        if self.pads:
            self.reference_response()
            return self._rho_at(self._spatial_shape or ())
        return super().rho()

    def get_config(self) -> dict[str, Any]:
        """The configuration with `boundary`."""
        return super().get_config() | {"boundary": self.boundary}

    def _interior_response(self) -> Any:
        kernel = self.float_kernel()
        axes = tuple(range(len(kernel.shape) - 1))
        if self.reference_point == "uniform":
            response = uniform_response(kernel, self.reference, axes=axes)
        elif self.reference_point == "aligned":
            response = aligned_response(kernel, self.reference, axes=axes)
        else:
            response = ops.sum(self._tap_response(kernel), axis=axes)
        return response if self.bias is None else response + ops.cast(self.bias, "float32")  # type: ignore[attr-defined]

    def _padded_response(self, spatial_shape: tuple[Any, ...]) -> Any:
        """The interior formula with the taps that meet the input at each position, by one small convolution.

        Its input is a single sample with a single channel of ones: 1 / (batch × channels) of the layer's own.
        """
        kernel = self.float_kernel()
        if self.reference_point == "aligned":
            scale = ops.stop_gradient(ops.maximum(ops.max(ops.abs(kernel)), 1e-30))
            squares = ops.sum(ops.square(kernel / scale), axis=-2, keepdims=True)
            norms = scale * ops.sqrt(self._over_taps(squares, spatial_shape) + EPSILON * EPSILON)
            inputs = self._over_taps(ops.ones_like(kernel[..., :1, :]), spatial_shape) * kernel.shape[-2]
            response = abs(self.reference) * ops.sqrt(ops.stop_gradient(inputs)) * norms
        elif self.reference_point == "uniform":
            response = self._over_taps(
                self.reference * ops.sum(kernel, axis=-2, keepdims=True), spatial_shape
            )
        else:
            response = self._over_taps(self._tap_response(kernel), spatial_shape)
        if self.bias is None:  # type: ignore[attr-defined]
            return response
        return response + self._along_channels(ops.cast(self.bias, "float32"))  # type: ignore[attr-defined]

    def _tap_response(self, kernel: Any) -> Any:
        """Σ over input channels of kernel × x_Q for the user's vector, shape `(*taps, 1, filters)`."""
        groups = self.groups  # type: ignore[attr-defined]
        vector = np.asarray(self.reference_point, dtype="float32").reshape(groups, -1)
        # A filter of group g sees the channels of that group only.
        by_filter = np.repeat(vector, self.num_units // groups, axis=0).T
        return ops.sum(kernel * ops.convert_to_tensor(by_filter), axis=-2, keepdims=True)

    def _over_taps(self, tap_values: Any, spatial_shape: tuple[Any, ...]) -> Any:
        first = self.data_format == "channels_first"  # type: ignore[attr-defined]
        ones = ops.ones((1, 1, *spatial_shape) if first else (1, *spatial_shape, 1), dtype="float32")
        return ops.conv(
            ones,
            tap_values,
            strides=self.strides,  # type: ignore[attr-defined]
            padding=self.padding,  # type: ignore[attr-defined]
            data_format=self.data_format,  # type: ignore[attr-defined]
            dilation_rate=self.dilation_rate,  # type: ignore[attr-defined]
        )

    def _positions_of(self, inputs: Any) -> tuple[Any, ...]:
        first = 2 if self.data_format == "channels_first" else 1  # type: ignore[attr-defined]
        return tuple(ops.shape(inputs)[first : first + self.rank])  # type: ignore[attr-defined]

    def _along_channels(self, values: Any) -> Any:
        ones = (1,) * self.rank  # type: ignore[attr-defined]
        if self.data_format == "channels_first":  # type: ignore[attr-defined]
            return ops.reshape(values, (1, self.num_units, *ones))
        return ops.reshape(values, (1, *ones, self.num_units))


@keras.saving.register_keras_serializable(package="arnn_search")
class AutoRotConv2D(AutoRotConvolution, keras.layers.Conv2D):  # type: ignore[misc]
    """`keras.layers.Conv2D` whose pre-activation is scaled by ρ = L / (|f(x_Q)| + ε), per filter.

    Args: those of `keras.layers.Conv2D`, of `AutoRotated`, and `boundary`.

    Input shape: `(batch, height, width, channels)`. Output shape: `(batch, new_height, new_width, filters)`;
    with `data_format="channels_first"` the channels come second.

    Reference:
        "Auto-Rotating Neural Networks" (Saromo-Mori, Valdenegro-Toro).
    """
