"""The table that drives the proof of every auto-rotating layer: a new layer is a new row.

A row says how to make the layer, which stock layer it is over, what it is put through, and which function of
`numpy_reference` is the same thing written out. The tests take it from there.
"""

import keras

from arnn_search import layers
from tests.layers import (
    attention_reference,
    numpy_reference,
    numpy_reference_convolution,
    recurrent_reference,
)
from tests.layers.row import Row, around

BOUNDED = ("tanh", "sigmoid", "softsign")
"""A recurrence multiplies its own outputs; without bounds it grows with every step, rotated or not."""
BOUNDARIES = ("padded", "interior")
IN_FRONT = {"padding": "same", "data_format": "channels_first"}


def under_recurrence(cell):
    return keras.layers.RNN(cell, dtype=cell.dtype_policy)


PRODUCTS = [
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
        layers.AutoRotEinsumDense,
        keras.layers.EinsumDense,
        {"equation": "abc,cde->abde", "output_shape": (4, 2, 3)},
        (4, 5),
        numpy_reference.einsum_dense,
        geometries=({"bias_axes": "de"}, {"bias_axes": "e"}, {"bias_axes": "d"}, {"bias_axes": None}),
        has_use_bias=False,
    ),
]

CONVOLUTIONS = [
    Row(
        layers.AutoRotConv1D,
        keras.layers.Conv1D,
        {"filters": 4, "kernel_size": 3},
        (7, 2),
        numpy_reference_convolution.convolution,
        geometries=(
            {"padding": "valid"},
            {"padding": "causal", "dilation_rate": 2},
            {"padding": "same", "groups": 2},
            IN_FRONT,
            {"padding": "same", "strides": 2},
        ),
        boundaries=BOUNDARIES,
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
            {"padding": "same", "strides": (1, 2)},
            {"padding": "same", "dilation_rate": 2},
            {"padding": "same", "groups": 2, "dilation_rate": (1, 2)},
            IN_FRONT,
            {"padding": "same", "strides": 2},
        ),
        boundaries=BOUNDARIES,
    ),
    Row(
        layers.AutoRotConv3D,
        keras.layers.Conv3D,
        {"filters": 2, "kernel_size": (2, 3, 2)},
        (3, 4, 4, 2),
        numpy_reference_convolution.convolution,
        geometries=(
            {"padding": "valid"},
            {"padding": "same"},
            {"padding": "same", "dilation_rate": (1, 1, 2)},
            IN_FRONT,
            {"padding": "same", "strides": 2},
        ),
        boundaries=BOUNDARIES,
    ),
    Row(
        layers.AutoRotDepthwiseConv1D,
        keras.layers.DepthwiseConv1D,
        {"kernel_size": 3},
        (7, 2),
        numpy_reference_convolution.depthwise,
        geometries=(
            {"padding": "valid", "strides": 2},
            {"padding": "same", "dilation_rate": 2},
            IN_FRONT,
            {"padding": "same", "depth_multiplier": 2},
        ),
        boundaries=BOUNDARIES,
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
            IN_FRONT,
            {"padding": "same", "dilation_rate": 2},
        ),
        boundaries=BOUNDARIES,
    ),
    Row(
        layers.AutoRotSeparableConv1D,
        keras.layers.SeparableConv1D,
        {"filters": 3, "kernel_size": 3},
        (7, 2),
        numpy_reference_convolution.separable,
        geometries=(
            {"padding": "valid"},
            {"padding": "same", "strides": 2},
            IN_FRONT,
            {"padding": "same", "depth_multiplier": 2},
        ),
        boundaries=BOUNDARIES,
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
            {"padding": "same", "dilation_rate": 2},
            IN_FRONT,
            {"padding": "same", "strides": 2},
        ),
        boundaries=BOUNDARIES,
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
            {"padding": "valid", "dilation_rate": 2},
            IN_FRONT,
            {"padding": "valid", "strides": 2, "output_padding": 1},
        ),
        boundaries=BOUNDARIES,
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
            {"padding": "same", "strides": (2, 1)},
            {"padding": "same", "strides": 3},
            IN_FRONT,
            {"padding": "same"},
        ),
        boundaries=BOUNDARIES,
    ),
    Row(
        layers.AutoRotConv3DTranspose,
        keras.layers.Conv3DTranspose,
        {"filters": 2, "kernel_size": (2, 3, 2)},
        (2, 3, 2, 2),
        numpy_reference_convolution.transposed,
        geometries=({"padding": "valid"}, IN_FRONT, {"padding": "same", "strides": 2}),
        boundaries=BOUNDARIES,
    ),
]

RECURRENCES = [
    Row(
        layers.AutoRotSimpleRNN,
        keras.layers.SimpleRNN,
        {"units": 3},
        (3, 3),
        recurrent_reference.simple_rnn,
        geometries=({}, {"unroll": True}, {"return_sequences": True, "go_backwards": True}),
        activations=BOUNDED,
    ),
    Row(
        layers.AutoRotLSTM,
        keras.layers.LSTM,
        {"units": 3},
        (3, 2),
        recurrent_reference.lstm,
        geometries=({}, {"unroll": True}, {"return_sequences": True, "go_backwards": True}),
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

CELLS = [
    Row(
        layers.AutoRotSimpleRNNCell,
        keras.layers.SimpleRNNCell,
        {"units": 3},
        (3, 3),
        recurrent_reference.simple_rnn,
        activations=BOUNDED,
        under=under_recurrence,
    ),
    Row(
        layers.AutoRotLSTMCell,
        keras.layers.LSTMCell,
        {"units": 3},
        (3, 2),
        recurrent_reference.lstm,
        activations=BOUNDED,
        under=under_recurrence,
    ),
    Row(
        layers.AutoRotGRUCell,
        keras.layers.GRUCell,
        {"units": 3},
        (3, 2),
        recurrent_reference.gru,
        geometries=({}, {"reset_after": False}),
        activations=BOUNDED,
        under=under_recurrence,
    ),
]

AROUND = [around(row) for row in (*PRODUCTS[:1], PRODUCTS[-1], *CONVOLUTIONS)]

ATTENTION = Row(
    layers.AutoRotation,
    keras.layers.MultiHeadAttention,
    {"num_heads": 2, "key_dim": 3},
    (4, 3),
    attention_reference.self_attention,
    activations=(),
    kinds_of_points=("uniform",),
    feature="OfMultiHeadAttention",
)

ROWS = [*PRODUCTS, *CONVOLUTIONS, *RECURRENCES, *CELLS, *AROUND, ATTENTION]
NAMES = [row.name for row in ROWS]
