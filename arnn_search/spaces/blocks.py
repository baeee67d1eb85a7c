"""Building blocks for search spaces: layer families, inputs, outputs, and how a model is compiled.

A space chooses a `LayerChoice` (once for the network, or in a `hp.name_scope` for each block) and lets it
make the layers. The value range that auto-rotating layers need is carried from the data through the network.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import keras

from arnn_search import layers
from arnn_search.errors import SpaceError

if TYPE_CHECKING:
    import keras_tuner

    from arnn_search.data import DataSpec

FAMILIES = ("classic", "ar", "bn", "ar_bn")
ACTIVATIONS = ("sigmoid", "tanh", "relu")


@dataclass(frozen=True)
class LayerChoice:
    """What kind of layer a network, or one block of it, is made of.

    Attributes:
        family: `"classic"`, `"ar"` (auto-rotating), `"bn"` (followed by batch normalisation), or `"ar_bn"`.
        activation: the activation of every layer made.
        limit_factor: the limit L, fixed or initial, in multiples of the activation's default limit.
        learn_limit: whether L is trained.
        reference_point: `"uniform"` or `"aligned"`.
        boundary: `"padded"` or `"interior"`, for convolutions that pad.
    """

    family: str = "classic"
    activation: str = "relu"
    limit_factor: float = 1.0
    learn_limit: bool = False
    reference_point: str = "uniform"
    boundary: Literal["padded", "interior"] = "padded"

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            raise SpaceError(f"`family` must be one of {', '.join(FAMILIES)}. Received: {self.family!r}.")

    @property
    def rotates(self) -> bool:
        """Whether the layers are auto-rotating."""
        return self.family in ("ar", "ar_bn")

    @property
    def normalises(self) -> bool:
        """Whether each layer is followed by batch normalisation."""
        return self.family in ("bn", "ar_bn")

    @property
    def without_normalisation(self) -> "LayerChoice":
        """The same choice with no batch normalisation after its layers."""
        return replace(self, family="ar" if self.rotates else "classic")

    def dense(self, x: Any, units: int, **kwargs: Any) -> Any:
        """A fully connected layer: `(batch, ..., features)` to `(batch, ..., units)`."""
        kwargs = {"activation": self.activation} | kwargs
        if self.rotates:
            layer = layers.AutoRotDense(units, **self._rotation(kwargs["activation"]), **kwargs)
        else:
            layer = keras.layers.Dense(units, **kwargs)
        return self._normalised(layer(x))

    def conv2d(self, x: Any, filters: int, kernel_size: int | tuple[int, int], **kwargs: Any) -> Any:
        """A convolution, padded to the same size: `(batch, height, width, channels)` to `(..., filters)`."""
        kwargs = {"activation": self.activation, "padding": "same"} | kwargs
        if self.rotates:
            rotation = self._rotation(kwargs["activation"])
            layer = layers.AutoRotConv2D(filters, kernel_size, boundary=self.boundary, **rotation, **kwargs)
        else:
            layer = keras.layers.Conv2D(filters, kernel_size, **kwargs)
        return self._normalised(layer(x))

    def _rotation(self, activation: Any) -> dict[str, Any]:
        return {
            "limit": self.limit_factor * layers.default_limit(activation),
            "learn_limit": self.learn_limit,
            "reference_point": self.reference_point,
        }

    def _normalised(self, x: Any) -> Any:
        # Keras' momentum of 0.99 needs some 500 steps to forget where it started; a trial may not have them.
        return keras.layers.BatchNormalization(momentum=0.9)(x) if self.normalises else x


def layer_choice(
    hp: "keras_tuner.HyperParameters",
    *,
    families: Sequence[str] = FAMILIES,
    activations: Sequence[str] = ACTIVATIONS,
    limit_factors: tuple[float, float] = (0.5, 2.0),
    limit_modes: Sequence[str] = ("fixed", "learnable"),
    reference_points: Sequence[str] = ("uniform", "aligned"),
    boundaries: Sequence[str] = ("padded",),
) -> LayerChoice:
    """Chooses the kind of layer. Inside `with hp.name_scope("block_1"):` the choice is that block's own.

    A sequence of one value is no choice, and asks nothing. The parameters are called `family`, `activation`
    and, where the layers rotate, `limit_mode`, `limit_factor`, `reference_point` and `boundary`.

    Args:
        hp: the hyperparameters of the architecture under construction.
        families: layer families to choose from.
        activations: activations to choose from, by Keras name.
        limit_factors: range of L in multiples of the activation's default limit, both ends positive; fixed,
            or where a learnable limit starts. Explored on a logarithmic scale.
        limit_modes: `"fixed"`, `"learnable"` or both.
        reference_points: `"uniform"`, `"aligned"` or both.
        boundaries: `"padded"`, `"interior"` or both, for convolutions that pad.

    Raises:
        SpaceError: a family that does not exist, or a range of limits that is not positive.
    """
    unknown = [family for family in families if family not in FAMILIES]
    if unknown:
        raise SpaceError(f"`families` must be among {', '.join(FAMILIES)}. Received: {', '.join(unknown)}.")
    low, high = limit_factors
    if not 0 < low <= high:
        raise SpaceError(
            f"`limit_factors` must be (low, high) with 0 < low <= high. Received: {limit_factors}."
        )
    family = _choose(hp, "family", families)
    activation = _choose(hp, "activation", activations)
    choice = LayerChoice(family=family, activation=activation)
    if not choice.rotates:
        return choice
    return LayerChoice(
        family=family,
        activation=activation,
        learn_limit=_choose(hp, "limit_mode", limit_modes) == "learnable",
        limit_factor=low if low == high else hp.Float("limit_factor", low, high, sampling="log"),
        reference_point=_choose(hp, "reference_point", reference_points),
        boundary=_choose(hp, "boundary", boundaries),
    )


def inputs(data: "DataSpec") -> Any:
    """The network's input, `(batch, *data.input_shape)`, which knows the value range of the scaled data."""
    return layers.Input(data.input_shape, value_range=data.value_range, dtype=data.input_dtype)


def image_inputs(data: "DataSpec") -> Any:
    """Like `inputs`, for networks that convolve.

    Raises:
        SpaceError: the data are not images, `(height, width, channels)`.
    """
    if len(data.input_shape) != 3:
        raise SpaceError(
            f"This space needs images of shape (height, width, channels); {data.name!r} has samples of shape "
            f"{data.input_shape}. Try --space dense-stack."
        )
    return inputs(data)


def outputs(x: Any, data: "DataSpec") -> Any:
    """The output layer: class probabilities `(batch, classes)`, or linear targets `(batch, targets)`.

    Always a stock `Dense`: an output is not rotated (a regression output never may be).
    """
    layer = keras.layers.Dense(data.output_units, activation=data.output_activation, name="output")
    return layer(x)


def compile_model(
    model: keras.Model,
    hp: "keras_tuner.HyperParameters",
    data: "DataSpec",
    *,
    optimizers: Sequence[str] = ("adam",),
    learning_rates: tuple[float, float] = (1e-4, 1e-2),
) -> keras.Model:
    """Compiles for the data's task, with `optimizer` and `learning_rate` chosen; returns the same model.

    Args:
        model: the network.
        hp: the hyperparameters of the architecture under construction.
        data: gives loss and metrics.
        optimizers: optimizers to choose from, by Keras name.
        learning_rates: range of the learning rate, explored on a logarithmic scale.
    """
    optimizer = keras.optimizers.get(_choose(hp, "optimizer", optimizers))
    optimizer.learning_rate = hp.Float("learning_rate", *learning_rates, sampling="log", default=1e-3)
    model.compile(optimizer=optimizer, loss=data.loss, metrics=data.metrics)
    return model


def _choose(hp: "keras_tuner.HyperParameters", name: str, values: Sequence[str]) -> Any:
    return values[0] if len(values) == 1 else hp.Choice(name, list(values))
