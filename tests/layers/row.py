"""One row of the conformance table: how a layer is made, what it is over, and what it is put through."""

import dataclasses
import functools
import inspect
import itertools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from arnn_search import layers
from arnn_search.layers._rotated import AutoRotated

LIMITS = (
    {},
    {"limit": 3.0},
    {"learn_limit": True, "limit_bounds": (0.5, 8.0), "limit_learning_rate_factor": 3.0},
    {"learn_limit": True, "limit_per_unit": True, "limit": 1.5},
)
_OF_ROTATION = {
    name
    for name, parameter in inspect.signature(AutoRotated.__init__).parameters.items()
    if parameter.kind is parameter.KEYWORD_ONLY
}
_POSSIBLE: dict[str, tuple[dict[str, Any], ...]] = {}
_PROJECTIONS = ("query", "key", "value", "attention_output")


@dataclasses.dataclass(frozen=True, eq=False)
class Row:
    """One layer of the package."""

    layer: type
    parent: type
    arguments: dict[str, Any]
    """The least it takes to make one."""
    input_shape: tuple[int, ...]
    """Without the batch; the last is the number of features."""
    reference: Callable[..., np.ndarray]
    geometries: tuple[dict[str, Any], ...] = ({},)
    """What the stock layer offers beside: strides, padding, groups."""
    boundaries: tuple[str, ...] = ()
    has_use_bias: bool = True
    activations: tuple[str, ...] = ("sigmoid", "tanh", "relu", "linear", "softsign")
    """What the variants take in turn; of none at all for a layer without that argument."""
    kinds_of_points: tuple[str, ...] = ("uniform", "aligned", "vector")
    feature: str = ""
    """What sets this row apart from another one of the same layer."""
    under: Callable[[Any], Any] | None = None
    """The stock layer that runs it, of a cell."""

    @property
    def name(self) -> str:
        return self.layer.__name__ + self.feature

    @property
    def is_around(self) -> bool:
        """Whether the layer is a wrapper around its parent."""
        return self.layer is layers.AutoRotation

    @property
    def without_bias(self) -> dict[str, Any]:
        return {"use_bias": False} if self.has_use_bias else {}

    @property
    def features(self) -> int:
        return self.input_shape[-1]

    @property
    def possible(self) -> tuple[dict[str, Any], ...]:
        """The geometries that the stock layer can be run with here."""
        if self.name not in _POSSIBLE:
            in_front = ("data_format", "channels_first")
            _POSSIBLE[self.name] = tuple(
                geometry
                for geometry in self.geometries
                if in_front not in geometry.items() or runs_here(self, geometry)
            )
        return _POSSIBLE[self.name]

    def make(self, **arguments: Any) -> Any:
        arguments = self._all(arguments)
        if self.is_around:
            own = {name: arguments.pop(name) for name in _OF_ROTATION & arguments.keys()}
            return self.layer(self.parent(**arguments), **own)
        layer = self.layer(**arguments)
        return self.under(layer) if self.under else layer

    def stock(self, **arguments: Any) -> Any:
        layer = self.parent(**self._all(arguments))
        return self.under(layer) if self.under else layer

    def rotating(self, layer: Any) -> Any:
        """What rotates in what `make` gave."""
        return layer.cell if self.under else layer

    def call(self, layer: Any, x: Any) -> Any:
        return layer(x, x) if self.parent is keras.layers.MultiHeadAttention else layer(x)

    def model(self, layer: Any, x: Any) -> keras.Model:
        inputs = keras.Input(x.shape[1:])
        return keras.Model(inputs, self.call(layer, inputs))

    def inputs(self, layer: Any, *, batch: int = 3, seed: int = 0) -> np.ndarray:
        x = np.random.default_rng(seed).uniform(-1, 1, size=(batch, *self.input_shape)).astype("float32")
        inside = getattr(layer, "layer", layer)
        return np.moveaxis(x, -1, 1).copy() if getattr(inside, "data_format", "") == "channels_first" else x

    def built(self, *, seed: int = 0, **arguments: Any) -> tuple[Any, np.ndarray]:
        """The layer with random weights, biases and limits included, and something to put through it."""
        layer = self.make(**{"value_range": (-1.0, 1.5)} | arguments)
        x = self.inputs(layer)
        self.call(layer, x)
        generator = np.random.default_rng(seed)
        for weight in layer.weights:
            weight.assign(generator.normal(0.2, 0.5, size=weight.shape))
        return layer, x

    def expected(self, layer: Any, weights: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
        """What the layer should give, by the reference."""
        return self.reference(_Inside(layer) if self.is_around else layer, weights, x.astype("float64"))

    def points(self) -> tuple[Any, ...]:
        vector = np.linspace(0.5, 2.0, self.features).round(3).tolist()
        return tuple(vector if kind == "vector" else kind for kind in self.kinds_of_points)

    def variants(self) -> list[dict[str, Any]]:
        """Combinations of reference point, limit, boundary, geometry and bias.

        All of them in the second geometry; elsewhere a fifth, which meets each value of each.
        """
        activations = itertools.cycle(self.activations or ("linear",))
        ranges = itertools.cycle([(-1.0, 1.5), (0.0, 1.0), (-3.0, -1.0)])
        rotations = [
            {
                "limits": limits,
                "boundary": {} if boundary is None else {"boundary": boundary},
                "point": {"reference_point": point},
                "bias": {"use_bias": use_bias} if self.has_use_bias else {},
            }
            for limits, boundary, point, use_bias in itertools.product(
                LIMITS, self.boundaries or (None,), self.points(), (True, False)
            )
        ]
        whole = min(1, len(self.possible) - 1)
        return [
            geometry
            | functools.reduce(dict.__or__, rotation.values())
            | {"activation": next(activations), "value_range": next(ranges)}
            for number, geometry in enumerate(self.possible)
            for turn, rotation in enumerate(rotations)
            if number == whole or turn % 5 == number % 5
        ]

    def _all(self, arguments: dict[str, Any]) -> dict[str, Any]:
        arguments = self.arguments | {"activation": "sigmoid"} | arguments
        if not self.activations:
            del arguments["activation"]
        return arguments


def runs_here(row: Row, geometry: dict[str, Any]) -> bool:
    """Whether the stock layer does on this backend what it should, with those arguments and of that shape.

    With the channels in front some raise, and some add the bias in wrong places.
    """
    arguments = {name: value for name, value in geometry.items() if name != "boundary"}
    if row.has_use_bias:
        arguments["bias_initializer"] = "random_normal"
    layer = row.stock(**arguments)
    x = row.inputs(layer)
    try:
        outputs = outputs_of(layer, x)
    except Exception:  # each backend has its own
        return False
    if arguments.get("data_format") == "channels_first":
        behind = row.stock(**arguments | {"data_format": "channels_last"})
        outputs_of(behind, np.moveaxis(x, 1, -1))
        behind.set_weights(layer.get_weights())
        same = np.moveaxis(outputs_of(behind, np.moveaxis(x, 1, -1)), -1, 1)
        return bool(outputs.size) and np.allclose(outputs, same, atol=1e-5)
    return bool(outputs.size)


class _Inside:
    """A wrapper and the layer inside, as the references look at one layer."""

    boundary = "padded"

    def __init__(self, wrapper: Any) -> None:
        self.wrapper = wrapper

    def __getattr__(self, name: str) -> Any:
        return getattr(self.wrapper if name in _OF_ROTATION else self.wrapper.layer, name)


def around(row: Row) -> Row:
    """The row of the wrapper around the same stock layer: it must do what the named layer does."""
    return dataclasses.replace(
        row,
        layer=layers.AutoRotation,
        geometries=row.geometries[-2:],
        boundaries=(),
        kinds_of_points=("uniform", "vector"),
        feature=f"Of{row.parent.__name__}{row.feature}",
    )


def name_of(weight: Any) -> str:
    """The name by which the references know a weight."""
    *_, owner, name = weight.path.split("/")
    return f"{owner}/{name}" if owner in _PROJECTIONS else name


def values(layer: Any) -> dict[str, np.ndarray]:
    """The weights by name, in float64."""
    return {
        name_of(weight): np.asarray(keras.ops.convert_to_numpy(weight), dtype="float64")
        for weight in layer.weights
    }


def outputs_of(model: Any, x: Any, *, call: Callable[[Any, Any], Any] | None = None) -> np.ndarray:
    outputs = call(model, x) if call else model(x)
    return np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(outputs, "float32")))
