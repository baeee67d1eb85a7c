"""What the auto-rotating convolutions share: ρ for each filter, or a map of it over positions."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from keras import ops

from arnn_search.layers._border import combined_sets, scale_outside
from arnn_search.layers._rotated import AutoRotated
from arnn_search.layers._rotation import EPSILON, aligned_response, rotation
from arnn_search.layers._taps import AxisTaps, axis_taps, lay_out, sum_over_sets

BOUNDARIES = ("padded", "interior")


class AutoRotConvolution(AutoRotated):
    """What the auto-rotating convolutions of every rank share.

    Where every tap of the kernel meets the input there is one ρ per filter, folded into kernel and bias. At a
    padded border fewer taps do, and f(x_Q) differs from position to position.

    Beside the arguments of `AutoRotated` they take one more.

    Args:
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

    @property
    def channel_axis(self) -> int:
        """Which axis of inputs and outputs counts the channels."""
        return 1 if self.data_format == "channels_first" else self.rank + 1  # type: ignore[attr-defined]

    def counts_units(self, axis: int) -> bool:
        return bool(axis == self.channel_axis - (self.rank + 2))  # type: ignore[attr-defined]

    def call(self, inputs: Any) -> Any:
        if not self.auto_rotation:
            return super().call(inputs)  # type: ignore[misc]
        inputs = self.cast_inputs(inputs)
        axes = self._axes(self._spatial_shape_of(inputs)) if self.pads else []
        whole = tuple(axis.whole_set for axis in axes if axis.whole_set is not None)
        if len(whole) < len(axes):
            outputs = self._convolved(inputs, 1.0)
            outputs = outputs * ops.cast(self._over_positions(self._rho_of_sets(axes), axes), outputs.dtype)
        elif axes:
            rho = self._rho_of_sets(axes)
            rho_inside = rho[whole]
            outputs = self._convolved(inputs, rho_inside)
            # A quotient of numbers near 1: JAX squares what it divides by.
            scale = ops.stop_gradient(rho_inside)
            ratios = (rho / scale) / (rho_inside / scale)
            counts = [len(axis.sets) for axis in axes]
            outputs = scale_outside(
                outputs,
                ops.cast(ops.reshape(ratios, (-1, self.num_units)), outputs.dtype),
                sets=combined_sets([axis.positions.argmax(axis=1) for axis in axes], counts),
                inside=int(np.ravel_multi_index(whole, counts)),
                channels_first=self.channel_axis == 1,
            )
        else:
            outputs = self._convolved(inputs, self.rho())
        return outputs if self.activation is None else self.activation(outputs)  # type: ignore[attr-defined]

    def reference_response(self) -> Any:
        """f(x_Q): shape `(filters,)`, or `(1, *positions, filters)` (channels as in the data) if padded."""
        if not self.pads:
            return self._with_bias(self._sum_of_taps(()))
        axes = self._axes(self._known_spatial_shape())
        return self._over_positions(self._with_bias(self._sum_of_taps(axes)), axes)

    def rho(self) -> Any:
        """ρ, of the shape of `reference_response`."""
        if not self.pads:
            return super().rho()
        axes = self._axes(self._known_spatial_shape())
        return self._over_positions(self._rho_of_sets(axes), axes)

    def own_config(self) -> dict[str, Any]:
        """With `boundary`."""
        return super().own_config() | {"boundary": self.boundary}

    def linear_map(self, inputs: Any, *kernels: Any) -> Any:
        """What the stock layer does before the bias, with these kernels."""
        return self.convolution_op(inputs, *kernels)  # type: ignore[attr-defined]

    def axis_taps(self, axis: int, size: Any) -> AxisTaps:
        """Which taps meet the input at which position.

        Args:
            axis: 0 for the first spatial axis.
            size: of the input along it.
        """
        return axis_taps(
            size,
            taps=self.kernel_size[axis],  # type: ignore[attr-defined]
            stride=self.strides[axis],  # type: ignore[attr-defined]
            dilation=self.dilation_rate[axis],  # type: ignore[attr-defined]
            padding=self.padding,  # type: ignore[attr-defined]
        )

    def vector_by_unit(self, vector: np.ndarray) -> np.ndarray:
        """The user's reference point `(channels,)` as `response_kernel` meets it, `(inputs, units)`."""
        groups = self.groups  # type: ignore[attr-defined]
        return np.repeat(vector.reshape(groups, -1), self.num_units // groups, axis=0).T

    @property
    def share_of_taps(self) -> float:
        """The share of the taps that meet the input at a position inside, on average."""
        return 1.0

    def _convolved(self, inputs: Any, scale: Any) -> Any:
        """The pre-activation, with kernel and bias times a number for each filter."""
        kernels = [ops.cast(kernel, self.compute_dtype) for kernel in self.scaled_kernels(scale)]  # type: ignore[attr-defined]
        outputs, bias = self.linear_map(inputs, *kernels), self.rotation_bias()
        if bias is None:
            return outputs
        # As the stock layer adds it: TensorFlow makes one operation of such a sum and the convolution.
        return ops.add(outputs, ops.cast(self.along_channels(bias * scale), outputs.dtype))

    def _rho_of_sets(self, axes: Sequence[AxisTaps]) -> Any:
        """ρ for each combination of the sets of taps, shape `(*sets, filters)`."""
        rho = rotation(self.limit_values(), self._with_bias(self._sum_of_taps(axes)))
        return ops.minimum(rho, self.largest_rho())

    def _sum_of_taps(self, axes: Sequence[AxisTaps]) -> Any:
        """w·x_Q, shape `(filters,)`, or `(*sets, filters)` with the sets of taps that positions see."""
        kernel = self.response_kernel()
        if self.reference_point == "aligned":
            return self._aligned_sum(kernel, axes)
        if self.reference_point == "uniform":
            taps = self.reference * ops.sum(kernel, axis=-2)
        else:
            vector = self.vector_by_unit(np.asarray(self.reference_point, dtype="float64"))
            taps = ops.sum(kernel * ops.convert_to_tensor(vector, kernel.dtype), axis=-2)
        if axes:
            return sum_over_sets(taps, axes)
        return self.share_of_taps * ops.sum(taps, axis=tuple(range(len(taps.shape) - 1)))

    def _aligned_sum(self, kernel: Any, axes: Sequence[AxisTaps]) -> Any:
        if not axes:
            response = aligned_response(kernel, self.reference, axes=tuple(range(len(kernel.shape) - 1)))
            return self.share_of_taps * response
        scale = ops.stop_gradient(ops.maximum(ops.max(ops.abs(kernel)), 1e-30))
        squares = ops.sum(ops.square(kernel / scale), axis=-2)
        norms = scale * ops.sqrt(sum_over_sets(squares, axes) + EPSILON * EPSILON)
        num_inputs = sum_over_sets(float(kernel.shape[-2]) * ops.ones_like(squares), axes)
        return abs(self.reference) * ops.sqrt(num_inputs) * norms

    def _with_bias(self, response: Any) -> Any:
        bias = self.rotation_bias()
        return response if bias is None else response + bias

    def _axes(self, spatial_shape: tuple[Any, ...]) -> list[AxisTaps]:
        return [self.axis_taps(axis, size) for axis, size in enumerate(spatial_shape)]

    def _over_positions(self, set_values: Any, axes: Sequence[AxisTaps]) -> Any:
        values = lay_out(set_values, axes)
        if self.data_format == "channels_first":  # type: ignore[attr-defined]
            values = ops.moveaxis(values, -1, 0)
        return ops.expand_dims(values, 0)

    def _known_spatial_shape(self) -> tuple[int, ...]:
        shape = self._spatial_shape
        if shape is None or None in shape:
            raise ValueError(
                f"{self.name}: with boundary='padded' the response depends on the size of the input, "  # type: ignore[attr-defined]
                f"which is open. Received: {shape}."
            )
        return shape  # type: ignore[return-value]

    def _spatial_shape_of(self, inputs: Any) -> tuple[Any, ...]:
        first = 2 if self.data_format == "channels_first" else 1  # type: ignore[attr-defined]
        return tuple(ops.shape(inputs)[first : first + self.rank])  # type: ignore[attr-defined]

    def along_channels(self, values: Any) -> Any:
        """Values of the filters in the shape that broadcasts over a batch."""
        ones = (1,) * self.rank  # type: ignore[attr-defined]
        if self.data_format == "channels_first":  # type: ignore[attr-defined]
            return ops.reshape(values, (1, self.num_units, *ones))
        return ops.reshape(values, (1, *ones, self.num_units))
