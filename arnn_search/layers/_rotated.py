"""What every auto-rotating layer shares: its arguments, its limit, and how it is inspected."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from arnn_search.layers._activations import Range, default_limit
from arnn_search.layers._limit import (
    Bounds,
    check_learning_rate_factor,
    check_limit,
    check_limit_bounds,
    limit_of,
    weight_of,
)
from arnn_search.layers._rotation import largest_rotation, reference_value, rotation
from arnn_search.layers._value_range import check_value_range, infer_value_range

REFERENCE_POINTS = ("uniform", "aligned")


class AutoRotated:
    """Mixin of the auto-rotating layers; the stock layer comes after it in the bases.

    Its arguments come beside those of the stock layer.

    Args:
        limit: L > 0; None takes the activation's (`default_limit`). Where a learnable limit starts.
        learn_limit: whether L is trained, as the weight `limit`. It stays positive (see `_limit`).
        limit_per_unit: whether each unit (filter) learns an L of its own.
        limit_bounds: `(low, high)` that a learned L stays between; None for an end that is open, or for both.
        limit_learning_rate_factor: how much faster than the other weights L is trained.
        reference_point: `"uniform"` (the papers': all components 2 x_max - x_min), `"aligned"` (along the
            weights, which has no singularity), or a vector with one component for each input feature.
        value_range: `(low, high)` of the values that enter; None has it inferred from the network.
        auto_rotation: False gives the stock layer.

    Weights are rotated in float32 at least, and cast to the layer's compute precision afterwards.

    Raises:
        ValueError: an argument out of its range; names it and what was received.
    """

    def __init__(
        self,
        *args: Any,
        limit: float | None = None,
        learn_limit: bool = False,
        limit_per_unit: bool = False,
        limit_bounds: Bounds | None = None,
        limit_learning_rate_factor: float = 1.0,
        reference_point: str | Sequence[float] = "uniform",
        value_range: Range | None = None,
        auto_rotation: bool = True,
        **kwargs: Any,
    ) -> None:
        limit = check_limit(limit)
        if limit_per_unit and not learn_limit:
            raise ValueError(
                "`limit_per_unit=True` needs `learn_limit=True`: a fixed limit is one number. "
                f"Received: learn_limit={learn_limit!r}."
            )
        if limit_bounds is not None and not learn_limit:
            raise ValueError(
                "`limit_bounds` needs `learn_limit=True`: a fixed limit does not move. "
                f"Received: limit_bounds={limit_bounds!r}, learn_limit={learn_limit!r}."
            )
        super().__init__(*args, **kwargs)
        self.limit = limit
        self.learn_limit = bool(learn_limit)
        self.limit_per_unit = bool(limit_per_unit)
        self.limit_bounds = check_limit_bounds(limit_bounds)
        self.limit_learning_rate_factor = check_learning_rate_factor(limit_learning_rate_factor)
        self.reference_point = _checked_reference_point(reference_point)
        self.value_range = None if value_range is None else check_value_range(value_range)
        self.auto_rotation = bool(auto_rotation)
        self._limit_weight: Any = None
        # Found now: the activation is measured, which cannot be done inside a graph that is being traced.
        self._default_limit = default_limit(self.activation) if limit is None else limit  # type: ignore[attr-defined]
        if self.learn_limit:
            self._start_of_limit()
        if self.auto_rotation:
            # Casting the weights before they are rotated would lose what the rotation is made of.
            self.autocast = False
            self._refuse_what_skips_the_rotation()

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if self.auto_rotation and self.value_range is None:
            self.value_range = infer_value_range(inputs)
        return super().__call__(inputs, *args, **kwargs)  # type: ignore[misc]

    def build(self, input_shape: Any) -> None:
        """Creates the stock layer's weights and, if the limit is learned, its weight."""
        super().build(input_shape)  # type: ignore[misc]
        if not self.auto_rotation:
            return
        features = self.num_features(input_shape)
        if not isinstance(self.reference_point, str) and len(self.reference_point) != features:
            raise ValueError(
                f"`reference_point` must have one component for each of the {features} input features. "
                f"Received: {len(self.reference_point)} components."
            )
        if self.learn_limit:
            self._limit_weight = self.new_limit_weight()

    def add_weight(self, *args: Any, **kwargs: Any) -> Any:
        """As of the stock layer, but never cast before it is rotated, whoever reads it."""
        return super().add_weight(*args, **{"autocast": not self.auto_rotation} | kwargs)  # type: ignore[misc]

    def new_limit_weight(self) -> Any:
        """The weight of a learnable limit, where it starts."""
        return self.add_weight(
            name="limit",
            shape=(self.num_units,) if self.limit_per_unit else (),
            initializer=keras.initializers.Constant(self._start_of_limit()),
            trainable=True,
        )

    def num_features(self, input_shape: Any) -> int:
        """How many components a reference point has."""
        return int(input_shape[-1 if getattr(self, "data_format", None) != "channels_first" else 1])

    @property
    def initial_limit(self) -> float:
        """L as it is given, or where it starts."""
        return self._default_limit

    @property
    def num_units(self) -> int:
        """How many units (filters) the layer has."""
        return int(self.kernel.shape[-1])  # type: ignore[attr-defined]

    @property
    def rotation_dtype(self) -> str:
        """The precision in which weights are rotated."""
        return "float64" if self.variable_dtype == "float64" else "float32"  # type: ignore[attr-defined]

    def limit_values(self) -> Any:
        """L as it is now, shape `()`, or `(units,)` if each unit has its own."""
        if self._limit_weight is None:
            return ops.convert_to_tensor(self.initial_limit, dtype=self.rotation_dtype)
        return limit_of(
            self.in_rotation_dtype(self._limit_weight),
            bounds=self.limit_bounds,
            learning_rate_factor=self.limit_learning_rate_factor,
        )

    @abstractmethod
    def reference_response(self) -> Any:
        """f(x_Q) of each unit, shape `(..., units)`, in `rotation_dtype`."""

    def response_kernel(self) -> Any:
        """The weights by which units respond to inputs, shape `(..., units)`, in `rotation_dtype`."""
        return self.rotation_kernel()

    def stock_bias(self, bias: Any) -> Any:
        """A value for each unit, shape `(units,)`, as the stock layer holds and adds its bias."""
        return bias

    def scaled_kernels(self, scale: Any) -> list[Any]:
        """The stock layer's kernels with which each unit's response is so many times as large.

        Args:
            scale: shape `(units,)`, or a number.
        """
        return [self.rotation_kernel() * scale]

    def rho(self) -> Any:
        """ρ = L / (|f(x_Q)| + ε) of each unit, shape `(..., units)`, in `rotation_dtype`."""
        return ops.minimum(rotation(self.limit_values(), self.reference_response()), self.largest_rho())

    def largest_rho(self) -> Any:
        """What keeps ρ f within the compute precision, shape `(units,)`; see `largest_rotation`."""
        kernel = self.response_kernel()
        low, high = self.value_range or (0.0, 1.0)
        return largest_rotation(
            kernel,
            self.rotation_bias(),
            reach=max(abs(low), abs(high), abs(self.reference)),
            axes=tuple(range(len(kernel.shape) - 1)),
            dtype=self.compute_dtype,  # type: ignore[attr-defined]
        )

    def get_config(self) -> dict[str, Any]:
        """The stock layer's configuration, and what was resolved of this one's."""
        config: dict[str, Any] = super().get_config()  # type: ignore[misc]
        return config | self.own_config()

    def own_config(self) -> dict[str, Any]:
        """The arguments that the stock layer does not have."""
        reference = self.reference_point
        return {
            "limit": self.limit,
            "learn_limit": self.learn_limit,
            "limit_per_unit": self.limit_per_unit,
            "limit_bounds": None if self.limit_bounds is None else list(self.limit_bounds),
            "limit_learning_rate_factor": self.limit_learning_rate_factor,
            "reference_point": reference if isinstance(reference, str) else list(reference),
            "value_range": None if self.value_range is None else list(self.value_range),
            "auto_rotation": self.auto_rotation,
        }

    def stock_layer(self, **replaced: Any) -> Any:
        """A stock layer of the same configuration, without weights.

        Args:
            **replaced: arguments of the stock layer that differ.
        """
        own = self.own_config()
        config = {key: value for key, value in self.get_config().items() if key not in own}
        parent: Any = next(base for base in type(self).__mro__ if base.__module__.startswith("keras."))
        return parent.from_config(config | replaced)

    def stock_layer_with_bias(self) -> Any:
        """The stock layer, with a bias whether this one has one or not."""
        return self.stock_layer(use_bias=True)

    def counts_units(self, axis: int) -> bool:
        """Whether an axis of the outputs, counted from behind, counts units."""
        return axis == -1

    def units_along(self, axis: int, values: Any) -> Any:
        """Values along such an axis as values of the units, shape `(units,)`."""
        return values

    def folded_weights(self) -> list[np.ndarray]:
        """The stock layer's weights with which it computes the same: ρW and ρb."""
        return self.scaled_weights(self.rho() if self.auto_rotation else 1.0)

    def scaled_weights(self, scale: Any) -> list[np.ndarray]:
        """Kernels and bias (if there is one) that scale the pre-activations of the units."""
        weights = self.scaled_kernels(scale)
        bias = self.rotation_bias()
        weights += [] if bias is None else [self.stock_bias(bias * scale)]
        return [np.asarray(ops.convert_to_numpy(weight)) for weight in weights]

    def save_own_variables(self, store: Any) -> None:
        """Every weight, the limit's too; the stock layers know only of their own two."""
        keras.layers.Layer.save_own_variables(self, store)

    def load_own_variables(self, store: Any) -> None:
        """The counterpart of `save_own_variables`."""
        keras.layers.Layer.load_own_variables(self, store)

    def quantize(self, *args: Any, **kwargs: Any) -> None:
        """Refused where the layer rotates: Keras would skip the rotation without a word."""
        if self.auto_rotation:
            raise self._refusal("quantized", f"quantize{args or kwargs}")
        super().quantize(*args, **kwargs)  # type: ignore[misc]

    def enable_lora(self, *args: Any, **kwargs: Any) -> None:
        """Refused where the layer rotates: Keras would skip the rotation without a word."""
        if self.auto_rotation:
            raise self._refusal("given LoRA weights", f"enable_lora{args or kwargs}")
        super().enable_lora(*args, **kwargs)  # type: ignore[misc]

    @property
    def reference(self) -> float:
        """The component of the uniform reference point."""
        return reference_value(self.value_range or (0.0, 1.0))

    def reference_vector(self) -> Any:
        """The reference point that the user gave, shape `(features,)`."""
        return ops.convert_to_tensor(np.asarray(self.reference_point), dtype=self.rotation_dtype)

    def rotation_kernel(self) -> Any:
        """The kernel in `rotation_dtype`."""
        return self.in_rotation_dtype(self.kernel)  # type: ignore[attr-defined]

    def rotation_bias(self) -> Any:
        """The bias in `rotation_dtype`, shape `(units,)`, or None."""
        bias = self.bias  # type: ignore[attr-defined]
        return None if bias is None else self.in_rotation_dtype(bias)

    def in_rotation_dtype(self, values: Any) -> Any:
        """The values as the rotation is computed."""
        return ops.cast(values, self.rotation_dtype)

    def cast_inputs(self, inputs: Any) -> Any:
        """The inputs in the layer's compute precision, which autocasting would have done."""
        return ops.cast(inputs, self.compute_dtype)  # type: ignore[attr-defined]

    def _start_of_limit(self) -> float:
        return weight_of(
            self.initial_limit,
            bounds=self.limit_bounds,
            learning_rate_factor=self.limit_learning_rate_factor,
        )

    def _refuse_what_skips_the_rotation(self) -> None:
        for argument in ("lora_rank", "quantization_config"):
            value = getattr(self, argument, None)
            if value:
                raise self._refusal(f"made with `{argument}`", f"{argument}={value!r}")
        mode = self.quantization_mode  # type: ignore[attr-defined]
        if mode is not None:
            raise self._refusal("quantized", f"dtype with quantization mode {mode!r}")

    def _refusal(self, what: str, received: str) -> ValueError:
        return ValueError(
            f"{type(self).__name__} cannot be {what}: its weights would no longer be rotated. Fold the "
            f"model first: arnn_search.fold(model). Received: {received}."
        )


def _checked_reference_point(value: Any) -> str | tuple[float, ...]:
    if isinstance(value, str):
        if value not in REFERENCE_POINTS:
            raise ValueError(
                f"`reference_point` must be {' or '.join(map(repr, REFERENCE_POINTS))}, or a vector. "
                f"Received: {value!r}."
            )
        return value
    vector = np.asarray(value, dtype="float64")
    if vector.ndim != 1 or not np.isfinite(vector).all():
        raise ValueError(f"`reference_point` must be a vector of finite numbers. Received: {value!r}.")
    return tuple(float(component) for component in vector)
