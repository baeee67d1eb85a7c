"""The Auto-Rotation around any layer that is linear before its activation."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import keras
from keras import ops

from arnn_search.layers._activations import Range, default_limit
from arnn_search.layers._limit import Bounds, limit_of, weight_of
from arnn_search.layers._linearity import check_linear, check_type, projections_of
from arnn_search.layers._rotated import AutoRotated
from arnn_search.layers._rotation import headroom, reference_value, rotation


@keras.saving.register_keras_serializable(package="arnn_search")
class AutoRotation(AutoRotated, keras.layers.Wrapper):  # type: ignore[misc]
    """Rotates a layer that is linear before its activation: σ(f(x)) becomes σ(ρ f(x)), one ρ per output.

    f(x_Q) is the layer's own answer to one sample whose components are all x_Q, so ρ is a map over positions
    where that answer differs between them ('same' padding), as published. The named layers (`AutoRotDense`,
    `AutoRotConv2D`) fold ρ into the kernel before the product and are faster; this serves all others.

    Around `keras.layers.MultiHeadAttention` each projection is rotated by itself. Query, key and value take
    x_Q of the range of what enters; the output projection takes that of -L..L, where rotated values lie.

    Dense, EinsumDense and the convolutions are known to be linear. Of any other layer it is measured when it
    is built: f(a + b) - f(a) - f(b) + f(0) must vanish for random a and b, with the activation taken out.

    The arguments that are not explained here are those of `AutoRotated`. Projections that learn their limits
    have one each.

    Args:
        layer: what to rotate; its activation is the attribute `activation`, if it has one.
        limit_per_unit: one learned L for each index of the last axis of the layer's output, or of the second
            of a layer whose channels come first.
        reference_point: `"uniform"`, or a vector over that axis of the inputs (not around attention).

    Input and output shapes are the layer's. ρ scales the layer's output, not its kernel: in float16 a
    gradient can overflow where ρ is very large, which loss scaling catches; the named layers do not do so.

    Raises:
        ValueError: the layer rotates already, has no weights, or is not linear before its activation.

    Example:
        ```python
        x = AutoRotation(keras.layers.EinsumDense("abc,cd->abd", (None, 8), activation="tanh"))(x)
        ```

    Reference:
        "Auto-Rotating Neural Networks" (Saromo-Mori, Valdenegro-Toro).
    """

    def __init__(
        self,
        layer: Any,
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
        check_type(layer)
        projections = isinstance(layer, keras.layers.MultiHeadAttention)
        if reference_point == "aligned" or (projections and not isinstance(reference_point, str)):
            raise ValueError(
                "`reference_point` of AutoRotation must be 'uniform'"
                f"{'' if projections else ', or a vector'}; the named layers offer 'aligned'. "
                f"Received: {reference_point!r}."
            )
        super().__init__(
            layer,
            limit=limit,
            learn_limit=learn_limit,
            limit_per_unit=limit_per_unit,
            limit_bounds=limit_bounds,
            limit_learning_rate_factor=limit_learning_rate_factor,
            reference_point=reference_point,
            value_range=value_range,
            auto_rotation=auto_rotation,
            **{"dtype": layer.dtype_policy} | kwargs,
        )
        if self.auto_rotation:
            self._guard_against_quantization([layer])
        self._limit_weights: tuple[Any, ...] = ()
        self._sample_shapes: tuple[Any, ...] = ()
        self._layer_shapes: Any = None
        self._size_is_open = False

    @property
    def output_sample_shape(self) -> tuple[int | None, ...]:
        """Of the layer's output for one sample; None where the layer leaves it open."""
        return tuple(self.layer.compute_output_shape(self._sample_shapes[0]))

    @property
    def activation(self) -> Any:
        """The layer's; None where it has none."""
        return getattr(self.layer, "activation", None)

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(self.layer, keras.layers.MultiHeadAttention):
            value = args[0] if args else kwargs.get("value", inputs)
            key = args[1] if len(args) > 1 else kwargs.get("key")
            self._layer_shapes = tuple(
                tuple(tensor.shape) for tensor in (inputs, value, value if key is None else key)
            )
        return super().__call__(inputs, *args, **kwargs)

    def build(self, input_shape: Any) -> None:
        """Builds the layer, makes sure that it is linear, and creates the weights of learned limits."""
        parts = projections_of(self.layer) if self.layer.built else []
        if not self.layer.built:
            self.layer.build(*self._shapes_for_layer(input_shape))
            self.layer.built = True
            parts = projections_of(self.layer)
        if not self.auto_rotation:
            return
        self._guard_against_quantization(parts)
        vector, features = self.reference_point, self.num_features(input_shape)
        if not isinstance(vector, str) and len(vector) != features:
            raise ValueError(
                f"`reference_point` must have one component for each of the {features} input "
                f"features. Received: {len(vector)} components."
            )
        self._sample_shapes = (tuple(size or 1 for size in (1, *input_shape[1:])),)
        if len(parts) > 1:
            self._sample_shapes = tuple(_one_position(part) for part in parts)
        self._size_is_open = None in input_shape[1:] and not isinstance(
            self.layer, (keras.layers.Dense, keras.layers.EinsumDense, keras.layers.MultiHeadAttention)
        )
        check_linear(self.layer, self._sample_shapes[0])
        if self.learn_limit:
            self._limit_weights = tuple(
                self._new_limit_weight(part, number) for number, part in enumerate(parts)
            )

    def get_build_config(self) -> dict[str, Any]:
        """The shapes that the layer was built with."""
        config: dict[str, Any] = super().get_build_config() or {}
        return config | {"layer_shapes": self._layer_shapes}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """The counterpart of `get_build_config`."""
        shapes = config.pop("layer_shapes", None)
        self._layer_shapes = None if shapes is None else tuple(map(tuple, shapes))
        super().build_from_config(config)

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if not self.auto_rotation:
            return self.layer(inputs, *args, **kwargs)
        with contextlib.ExitStack() as stack:
            for number, part in enumerate(projections_of(self.layer)):
                stack.enter_context(self._rotated(part, number))
            return self.layer(inputs, *args, **kwargs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The layer's."""
        return self.layer.compute_output_shape(*self._shapes_for_layer(input_shape))

    def compute_output_spec(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """The layer's."""
        return self.layer.compute_output_spec(inputs, *args, **kwargs)

    def limit_values(self) -> Any:
        """L as it is now: of the layer, shape `()` or `(units,)`; of projections, all in one vector."""
        limits = [self._limit_of(part, number) for number, part in enumerate(projections_of(self.layer))]
        return (
            limits[0]
            if len(limits) == 1
            else ops.concatenate([ops.reshape(limit, (-1,)) for limit in limits])
        )

    def reference_response(self) -> Any:
        """f(x_Q) of the layer, shape `(1, ..., units)`; of projections, all in one vector."""
        return _joined(
            [self._response(part, number) for number, part in enumerate(projections_of(self.layer))]
        )

    def rho(self) -> Any:
        """ρ, of the shape of `reference_response`."""
        return _joined(self.rho_of_each())

    def rho_of_each(self) -> list[Any]:
        """ρ of the layer, or of each projection."""
        return [self._rho(part, number) for number, part in enumerate(projections_of(self.layer))]

    def _rotated(self, part: Any, number: int) -> contextlib.AbstractContextManager[None]:
        stock_call, activation = part.call, getattr(part, "activation", None)

        def call(inputs: Any, *args: Any, **kwargs: Any) -> Any:
            size = None if len(projections_of(self.layer)) > 1 else ops.shape(inputs)[1:]
            rho = self._rho(part, number, size)
            with _replaced(part, activation=keras.activations.linear):
                outputs = stock_call(inputs, *args, **kwargs)
            # Met only where f(x_Q) is 0 to nearly the last digit; beyond it ρ is a constant without gradient.
            most = ops.maximum(ops.max(ops.abs(self.in_rotation_dtype(outputs))), 1.0)
            rho = ops.minimum(rho, ops.stop_gradient(headroom(self.compute_dtype) / most))
            outputs = outputs * ops.cast(rho, outputs.dtype)
            return outputs if activation is None else activation(outputs)

        return _replaced(part, call=call)

    def _rho(self, part: Any, number: int, size: Any = None) -> Any:
        return rotation(self._along_units(self._limit_of(part, number)), self._response(part, number, size))

    def _response(self, part: Any, number: int, size: Any = None) -> Any:
        low, high = self.value_range or (0.0, 1.0)
        point: Any = reference_value((low, high))
        if number == 3:  # the output projection
            point = 3.0 * ops.max(self._limit_of(part, 2))
        if not isinstance(self.reference_point, str):
            point = self._along_units(self.reference_vector())
        if size is None and self._size_is_open:
            raise ValueError(f"{self.name}: the response depends on the size of the input, which is open.")
        shape = self._sample_shapes[number] if size is None else (1, *size)
        sample = ops.broadcast_to(ops.cast(point, self.rotation_dtype), shape)
        with _replaced(part, activation=keras.activations.linear):
            return self.in_rotation_dtype(_InFullPrecision(part)(sample))

    def _limit_of(self, part: Any, number: int) -> Any:
        if not self._limit_weights:
            return ops.convert_to_tensor(self._first_limit(part), dtype=self.rotation_dtype)
        return limit_of(
            self.in_rotation_dtype(self._limit_weights[number]),
            bounds=self.limit_bounds,
            learning_rate_factor=self.limit_learning_rate_factor,
        )

    @property
    def data_format(self) -> str | None:
        """The layer's; None where it has none."""
        return getattr(self.layer, "data_format", None)

    def _along_units(self, values: Any) -> Any:
        """Values of channels in the shape that broadcasts over inputs and outputs."""
        if self.data_format != "channels_first" or not len(values.shape):
            return values
        return ops.reshape(values, (-1, *(1,) * self.layer.rank))

    def _guard_against_quantization(self, layers: list[Any]) -> None:
        """Keras quantises what is inside past its wrapper, and would skip the rotation without a word."""
        for layer in layers:
            if layer.quantization_mode is not None:
                raise self._refusal("made with a layer that is quantized", f"{layer.dtype_policy.name!r}")
            vars(layer)["quantize"] = self.quantize

    def _first_limit(self, part: Any) -> float:
        return default_limit(getattr(part, "activation", None)) if self.limit is None else self.limit

    def _shapes_for_layer(self, input_shape: Any) -> tuple[Any, ...]:
        if isinstance(self.layer, keras.layers.MultiHeadAttention):
            return self._layer_shapes or (input_shape,) * 3
        return (input_shape,)

    def _new_limit_weight(self, part: Any, number: int) -> Any:
        outputs = part.compute_output_shape(self._sample_shapes[number])
        units = (self.num_features(outputs),) if self.limit_per_unit else ()
        start = weight_of(
            self._first_limit(part),
            bounds=self.limit_bounds,
            learning_rate_factor=self.limit_learning_rate_factor,
        )
        return self.add_weight(
            name="limit" if part is self.layer else f"limit_{part.name}",
            shape=units,
            initializer=keras.initializers.Constant(start),
            autocast=False,
        )


class _InFullPrecision(keras.layers.Layer):  # type: ignore[misc]
    """Runs a layer on its weights as they are: Keras casts them for the computation wherever else it runs."""

    def __init__(self, part: Any) -> None:
        super().__init__(name="in_full_precision", dtype=part.variable_dtype, autocast=False)
        self.part = part
        self.built = True

    def call(self, sample: Any) -> Any:
        return type(self.part).call(self.part, sample)


def _one_position(projection: Any) -> tuple[int, ...]:
    """The shape of one position of what enters a projection of attention."""
    operands, _ = projection.equation.split("->")
    inputs, kernel = operands.split(",")
    sizes = dict(zip(kernel, projection.kernel.shape, strict=True))
    return tuple(sizes.get(letter, 1) for letter in inputs)


def _joined(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else ops.concatenate([ops.reshape(value, (-1,)) for value in values])


@contextlib.contextmanager
def _replaced(layer: Any, **attributes: Any) -> Iterator[None]:
    """Within, the layer has other attributes; past Keras, which need not know of them."""
    space = vars(layer)
    before = {name: space[name] for name in attributes if name in space}
    space.update(attributes)
    try:
        yield
    finally:
        for name in attributes:
            del space[name]
        space.update(before)
