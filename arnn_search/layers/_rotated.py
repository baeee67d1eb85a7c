"""What every auto-rotating layer shares: its arguments, its limit, and how it is inspected."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from arnn_search.layers._activations import Range, default_limit
from arnn_search.layers._rotation import reference_value, rotation, softplus_inverse
from arnn_search.layers._value_range import check_value_range, infer_value_range

REFERENCE_POINTS = ("uniform", "aligned")


class AutoRotated:
    """Mixin of the auto-rotating layers; the stock layer comes after it in the bases.

    Arguments beside the stock layer's:
        limit: L > 0; None takes the activation's (`default_limit`). Where a learnable limit starts.
        learn_limit: whether L is trained. It stays positive: L = softplus of the weight `limit`.
        limit_per_unit: whether each unit (filter) learns an L of its own.
        reference_point: `"uniform"` (the papers': all components 2 x_max - x_min), `"aligned"` (along the
            weights, which has no singularity), or a vector with one component for each input feature.
        value_range: `(low, high)` of the values that enter; None has it inferred from the network.
        auto_rotation: False gives the stock layer.

    Weights are rotated in their own precision, and cast to the layer's compute precision afterwards.

    Raises:
        ValueError: an argument out of its range; names it and what was received.
    """

    def __init__(
        self,
        *args: Any,
        limit: float | None = None,
        learn_limit: bool = False,
        limit_per_unit: bool = False,
        reference_point: str | Sequence[float] = "uniform",
        value_range: Range | None = None,
        auto_rotation: bool = True,
        **kwargs: Any,
    ) -> None:
        if limit is not None and not 0 < float(limit) < float("inf"):
            raise ValueError(f"`limit` must be positive and finite. Received: {limit}.")
        if limit_per_unit and not learn_limit:
            raise ValueError("`limit_per_unit=True` needs `learn_limit=True`: a fixed limit is one number.")
        super().__init__(*args, **kwargs)
        # Casting the weights before they are rotated would lose what the rotation is made of.
        self.autocast = False
        self.limit = None if limit is None else float(limit)
        self.learn_limit = bool(learn_limit)
        self.limit_per_unit = bool(limit_per_unit)
        self.reference_point = _checked_reference_point(reference_point)
        self.value_range = None if value_range is None else check_value_range(value_range)
        self.auto_rotation = bool(auto_rotation)
        self._limit_weight: Any = None

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if self.auto_rotation and self.value_range is None:
            self.value_range = infer_value_range(inputs)
        return super().__call__(inputs, *args, **kwargs)  # type: ignore[misc]

    def build(self, input_shape: Any) -> None:
        """Creates the stock layer's weights and, if the limit is learned, its weight."""
        super().build(input_shape)  # type: ignore[misc]
        if not self.auto_rotation:
            return
        features = input_shape[-1 if getattr(self, "data_format", None) != "channels_first" else 1]
        if not isinstance(self.reference_point, str) and len(self.reference_point) != features:
            raise ValueError(
                f"`reference_point` must have one component for each of the {features} input features. "
                f"Received: {len(self.reference_point)} components."
            )
        if self.learn_limit:
            start = float(softplus_inverse(self.initial_limit))
            self._limit_weight = self.add_weight(  # type: ignore[attr-defined]
                name="limit",
                shape=(self.num_units,) if self.limit_per_unit else (),
                initializer=keras.initializers.Constant(start),
                trainable=True,
            )

    @property
    def initial_limit(self) -> float:
        """L as it is given, or where it starts."""
        return default_limit(self.activation) if self.limit is None else self.limit  # type: ignore[attr-defined]

    @property
    def num_units(self) -> int:
        """How many units (filters) the layer has."""
        return int(self.kernel.shape[-1])  # type: ignore[attr-defined]

    def limit_values(self) -> Any:
        """L as it is now, shape `()`, or `(units,)` if each unit has its own."""
        if self._limit_weight is None:
            return ops.convert_to_tensor(self.initial_limit, dtype="float32")
        # Not 0 even where softplus underflows.
        return ops.maximum(ops.softplus(ops.cast(self._limit_weight, "float32")), 1e-6)

    def reference_response(self) -> Any:
        """f(x_Q) of each unit, shape `(..., units)`, in float32."""
        raise NotImplementedError(f"{type(self).__name__} defines its reference response.")

    def rho(self) -> Any:
        """ρ = L / (|f(x_Q)| + ε) of each unit, shape `(..., units)`, in float32."""
        return rotation(self.limit_values(), self.reference_response())

    def get_config(self) -> dict[str, Any]:
        """The stock layer's configuration, and what was resolved of this one's."""
        config: dict[str, Any] = super().get_config()  # type: ignore[misc]
        reference = self.reference_point
        return config | {
            "limit": self.limit,
            "learn_limit": self.learn_limit,
            "limit_per_unit": self.limit_per_unit,
            "reference_point": reference if isinstance(reference, str) else list(reference),
            "value_range": None if self.value_range is None else list(self.value_range),
            "auto_rotation": self.auto_rotation,
        }

    def save_own_variables(self, store: Any) -> None:
        """Every weight, the limit's too; the stock layers know only of their own two."""
        keras.layers.Layer.save_own_variables(self, store)

    def load_own_variables(self, store: Any) -> None:
        """The counterpart of `save_own_variables`."""
        keras.layers.Layer.load_own_variables(self, store)

    def quantize(self, *args: Any, **kwargs: Any) -> None:
        """Refused: Keras would then skip the rotation without a word."""
        raise ValueError(
            f"{type(self).__name__} cannot be quantized. Fold the model first: arnn_search.fold(model)."
        )

    def enable_lora(self, *args: Any, **kwargs: Any) -> None:
        """Refused: Keras would then skip the rotation without a word."""
        raise ValueError(
            f"{type(self).__name__} cannot take LoRA weights. Fold the model first: arnn_search.fold(model)."
        )

    @property
    def reference(self) -> float:
        """The component of the uniform reference point."""
        return reference_value(self.value_range or (0.0, 1.0))

    def reference_vector(self) -> Any:
        """The reference point that the user gave, shape `(features,)`."""
        return ops.convert_to_tensor(np.asarray(self.reference_point, dtype="float32"))

    def float_kernel(self) -> Any:
        """The kernel in float32."""
        return ops.cast(self.kernel, "float32")  # type: ignore[attr-defined]

    def cast_inputs(self, inputs: Any) -> Any:
        """The inputs in the layer's compute precision, which autocasting would have done."""
        return ops.cast(inputs, self.compute_dtype)  # type: ignore[attr-defined]


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
