"""The table that drives the proof of every auto-rotating layer: a new layer is a new row.

A row says how to make the layer, which stock layer it is over, what it is put through, and which function of
`numpy_reference` is the same thing written out. The tests take it from there.
"""

import dataclasses
import itertools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from arnn_search import layers
from tests.layers import numpy_reference, numpy_reference_convolution, recurrent_reference

LIMITS = (
    {},
    {"limit": 3.0},
    {"learn_limit": True},
    {"learn_limit": True, "limit_per_unit": True, "limit": 1.5},
)
BOUNDED = ("tanh", "sigmoid", "softsign")
"""A recurrence multiplies its own outputs; without bounds it grows with every step, rotated or not."""


@dataclasses.dataclass(frozen=True)
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
    """What the variants take in turn."""
    feature: str = ""
    """What sets this row apart from another one of the same layer."""

    @property
    def name(self) -> str:
        return self.layer.__name__ + self.feature

    @property
    def without_bias(self) -> dict[str, Any]:
        return {"use_bias": False} if self.has_use_bias else {}

    @property
    def features(self) -> int:
        return self.input_shape[-1]

    def make(self, **arguments: Any) -> Any:
        return self.layer(**self.arguments | {"activation": "sigmoid"} | arguments)

    def inputs(self, layer: Any, *, batch: int = 3, seed: int = 0) -> np.ndarray:
        x = np.random.default_rng(seed).uniform(-1, 1, size=(batch, *self.input_shape)).astype("float32")
        return np.moveaxis(x, -1, 1).copy() if getattr(layer, "data_format", "") == "channels_first" else x

    def built(self, *, seed: int = 0, **arguments: Any) -> tuple[Any, np.ndarray]:
        """The layer with random weights, biases and limits included, and something to put through it."""
        layer = self.make(**{"value_range": (-1.0, 1.5)} | arguments)
        x = self.inputs(layer)
        layer(x)
        generator = np.random.default_rng(seed)
        for weight in layer.weights:
            weight.assign(generator.normal(0.2, 0.5, size=weight.shape))
        return layer, x

    def points(self) -> tuple[Any, ...]:
        vector = np.linspace(0.5, 2.0, self.features).round(3).tolist()
        return ("uniform", "aligned", vector)

    def variants(self) -> list[dict[str, Any]]:
        """Every combination of reference point, limit, boundary, geometry and bias."""
        activations = itertools.cycle(self.activations)
        ranges = itertools.cycle([(-1.0, 1.5), (0.0, 1.0), (-3.0, -1.0)])
        boundaries = self.boundaries or (None,)
        return [
            geometry
            | limit
            | ({} if boundary is None else {"boundary": boundary})
            | {
                "reference_point": point,
                **({"use_bias": use_bias} if self.has_use_bias else {}),
                "activation": next(activations),
                "value_range": next(ranges),
            }
            for geometry, limit, boundary, point, use_bias in itertools.product(
                self.geometries, LIMITS, boundaries, self.points(), (True, False)
            )
        ]


ROWS = [
    Row(
        layers.AutoRotDense,
        keras.layers.Dense,
        {"units": 3},
        (4,),
        numpy_reference.dense,
    ),
    Row(
        layers.AutoRotDense,
        keras.layers.Dense,
        {"units": 3},
        (130,),
        numpy_reference.dense,
        feature="OfManyInputs",
    ),
    Row(
        layers.AutoRotConv2D,
        keras.layers.Conv2D,
        {"filters": 4, "kernel_size": (3, 2)},
        (5, 6, 2),
        numpy_reference_convolution.convolution,
        geometries=(
            {"padding": "valid"},
            {"padding": "same"},
            {"padding": "same", "strides": 2},
            {"padding": "same", "dilation_rate": 2},
            {"padding": "same", "groups": 2},
            {"padding": "same", "data_format": "channels_first"},
        ),
        boundaries=("padded", "interior"),
    ),
    Row(
        layers.AutoRotConv1D,
        keras.layers.Conv1D,
        {"filters": 4, "kernel_size": 3},
        (7, 2),
        numpy_reference_convolution.convolution,
        geometries=(
            {"padding": "valid"},
            {"padding": "causal", "dilation_rate": 2},
            {"padding": "same", "strides": 2},
            {"padding": "same", "groups": 2},
        ),
        boundaries=("padded", "interior"),
    ),
    Row(
        layers.AutoRotConv3D,
        keras.layers.Conv3D,
        {"filters": 2, "kernel_size": (2, 3, 2)},
        (3, 4, 4, 2),
        numpy_reference_convolution.convolution,
        geometries=({"padding": "valid"}, {"padding": "same"}, {"padding": "same", "strides": 2}),
        boundaries=("padded", "interior"),
    ),
    Row(
        layers.AutoRotDepthwiseConv1D,
        keras.layers.DepthwiseConv1D,
        {"kernel_size": 3},
        (7, 2),
        numpy_reference_convolution.depthwise,
        geometries=({"padding": "valid"}, {"padding": "same", "depth_multiplier": 2}),
        boundaries=("padded", "interior"),
    ),
    Row(
        layers.AutoRotDepthwiseConv2D,
        keras.layers.DepthwiseConv2D,
        {"kernel_size": (3, 2)},
        (5, 6, 2),
        numpy_reference_convolution.depthwise,
        geometries=(
            {"padding": "valid"},
            {"padding": "same", "depth_multiplier": 2},
            {"padding": "same", "strides": 2},
            {"padding": "same", "dilation_rate": 2},
        ),
        boundaries=("padded", "interior"),
    ),
    Row(
        layers.AutoRotSeparableConv1D,
        keras.layers.SeparableConv1D,
        {"filters": 3, "kernel_size": 3},
        (7, 2),
        numpy_reference_convolution.separable,
        geometries=({"padding": "valid"}, {"padding": "same", "depth_multiplier": 2}),
        boundaries=("padded", "interior"),
    ),
    Row(
        layers.AutoRotSeparableConv2D,
        keras.layers.SeparableConv2D,
        {"filters": 3, "kernel_size": (3, 2)},
        (5, 6, 2),
        numpy_reference_convolution.separable,
        geometries=(
            {"padding": "valid"},
            {"padding": "same", "depth_multiplier": 2},
            {"padding": "same", "strides": 2},
        ),
        boundaries=("padded", "interior"),
    ),
    Row(
        layers.AutoRotConv1DTranspose,
        keras.layers.Conv1DTranspose,
        {"filters": 3, "kernel_size": 3},
        (4, 2),
        numpy_reference_convolution.transposed,
        geometries=(
            {"padding": "valid"},
            {"padding": "same", "strides": 2},
            {"padding": "valid", "strides": 2, "output_padding": 1},
        ),
        boundaries=("padded", "interior"),
    ),
    Row(
        layers.AutoRotConv2DTranspose,
        keras.layers.Conv2DTranspose,
        {"filters": 3, "kernel_size": (3, 2)},
        (3, 4, 2),
        numpy_reference_convolution.transposed,
        geometries=(
            {"padding": "valid"},
            {"padding": "same", "strides": 2},
            {"padding": "same"},
            {"padding": "same", "strides": 3},
        ),
        boundaries=("padded", "interior"),
    ),
    Row(
        layers.AutoRotConv3DTranspose,
        keras.layers.Conv3DTranspose,
        {"filters": 2, "kernel_size": (2, 3, 2)},
        (2, 3, 2, 2),
        numpy_reference_convolution.transposed,
        geometries=({"padding": "valid"}, {"padding": "same", "strides": 2}),
        boundaries=("padded", "interior"),
    ),
    Row(
        layers.AutoRotEinsumDense,
        keras.layers.EinsumDense,
        {"equation": "abc,cde->abde", "output_shape": (4, 2, 3)},
        (4, 5),
        numpy_reference.einsum_dense,
        geometries=({"bias_axes": "de"}, {"bias_axes": "e"}, {"bias_axes": "d"}, {"bias_axes": None}),
        has_use_bias=False,
    ),
    Row(
        layers.AutoRotSimpleRNN,
        keras.layers.SimpleRNN,
        {"units": 3},
        (3, 3),
        recurrent_reference.simple_rnn,
        geometries=({}, {"return_sequences": True, "go_backwards": True}, {"unroll": True}),
        activations=BOUNDED,
    ),
    Row(
        layers.AutoRotLSTM,
        keras.layers.LSTM,
        {"units": 3},
        (3, 2),
        recurrent_reference.lstm,
        geometries=({}, {"return_sequences": True, "go_backwards": True}, {"unroll": True}),
        activations=BOUNDED,
    ),
    Row(
        layers.AutoRotGRU,
        keras.layers.GRU,
        {"units": 3},
        (3, 2),
        recurrent_reference.gru,
        geometries=({}, {"reset_after": False}, {"return_sequences": True, "go_backwards": True}),
        activations=BOUNDED,
    ),
]
NAMES = [row.name for row in ROWS]


def values(layer: Any) -> dict[str, np.ndarray]:
    """The weights by name, in float64."""
    return {
        weight.path.split("/")[-1]: np.asarray(keras.ops.convert_to_numpy(weight), dtype="float64")
        for weight in layer.weights
    }


def outputs_of(model: Any, x: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(model(x), "float32")))
