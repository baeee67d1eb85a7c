"""What the auto-rotating recurrent layers share: a rotating cell in the stock layer's place of it."""

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np

from arnn_search.layers._activations import Range
from arnn_search.layers._limit import Bounds
from arnn_search.layers._recurrent_cell import AutoRotatedCell
from arnn_search.layers._value_range import infer_value_range


class AutoRotatedRecurrence:
    """Mixin of the auto-rotating recurrent layers; the stock layer comes after it in the bases.

    The stock layer runs as it does, on a cell whose weights are rotated: once for a sequence, before its
    first step. Where it hands its weights to a fused recurrence (cuDNN), those are the rotated ones.

    Arguments beside the stock layer's: as of `AutoRotatedCell`.
    """

    cell_class: type[AutoRotatedCell]
    cell: Any

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
        # The stock layer makes its cell while it is made itself; nothing can be set on it before, save so.
        vars(self)["_rotation_arguments"] = {
            "limit": limit,
            "learn_limit": learn_limit,
            "limit_per_unit": limit_per_unit,
            "limit_bounds": limit_bounds,
            "limit_learning_rate_factor": limit_learning_rate_factor,
            "reference_point": reference_point,
            "value_range": value_range,
            "auto_rotation": auto_rotation,
        }
        super().__init__(*args, **kwargs)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "cell" and not isinstance(value, AutoRotatedCell):
            value = self._rotating(value)
        super().__setattr__(name, value)

    def __call__(self, sequences: Any, *args: Any, **kwargs: Any) -> Any:
        if self.auto_rotation and self.value_range is None:
            self.cell.value_range = infer_value_range(sequences)
        return super().__call__(sequences, *args, **kwargs)  # type: ignore[misc]

    @property
    def auto_rotation(self) -> bool:
        """Whether the gates are rotated."""
        return bool(self.cell.auto_rotation)

    @property
    def limit(self) -> float | None:
        """L as it was given; None takes each gate's activation's."""
        limit: float | None = self.cell.limit
        return limit

    @property
    def learn_limit(self) -> bool:
        """Whether the limits are trained."""
        return bool(self.cell.learn_limit)

    @property
    def reference_point(self) -> str | tuple[float, ...]:
        """Which reference point the gates take."""
        point: str | tuple[float, ...] = self.cell.reference_point
        return point

    @property
    def value_range(self) -> Range | None:
        """The range of the values that enter; None before it is known."""
        value_range: Range | None = self.cell.value_range
        return value_range

    def limit_values(self) -> Any:
        """L as it is now, shape `(gates * units,)`."""
        return self.cell.limit_values()

    def reference_response(self) -> Any:
        """f(x_Q, h_Q) of each gate unit, shape `(gates * units,)`."""
        return self.cell.reference_response()

    def rho(self) -> Any:
        """ρ of each gate unit, shape `(gates * units,)`."""
        return self.cell.rho()

    def get_config(self) -> dict[str, Any]:
        """The stock layer's configuration, and what was resolved of this one's."""
        config: dict[str, Any] = super().get_config()  # type: ignore[misc]
        return config | self.own_config()

    def own_config(self) -> dict[str, Any]:
        """The arguments that the stock layer does not have."""
        config: dict[str, Any] = self.cell.own_config()
        return config

    def stock_layer(self, **replaced: Any) -> Any:
        """A stock layer of the same configuration, without weights.

        Args:
            **replaced: arguments of the stock layer that differ.
        """
        own = self.own_config()
        config = {key: value for key, value in self.get_config().items() if key not in own}
        parent: Any = next(base for base in type(self).__mro__ if base.__module__.startswith("keras."))
        stock = parent.from_config(config | replaced)
        if hasattr(self, "use_cudnn"):
            stock.use_cudnn = self.use_cudnn  # not part of the configuration
        return stock

    def folded_weights(self) -> list[np.ndarray]:
        """The stock cell's weights with which it computes the same: ρW, ρU and ρb."""
        weights: list[np.ndarray] = self.cell.folded_weights()
        return weights

    def quantize(self, *args: Any, **kwargs: Any) -> None:
        """Refused where the gates rotate: Keras would skip the rotation without a word."""
        self.cell.quantize(*args, **kwargs)

    def _rotating(self, stock: Any) -> AutoRotatedCell:
        """The rotating cell in place of the stock one, which was not used yet."""
        names = [name for name in inspect.signature(type(stock)).parameters if name != "kwargs"]
        return self.cell_class(
            **{name: getattr(stock, name) for name in names},
            name=stock.name,
            dtype=stock.dtype_policy,
            trainable=stock.trainable,
            **vars(self)["_rotation_arguments"],
        )
