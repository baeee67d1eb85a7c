"""The Auto-Rotation and the Keras layers that use it; folding them back into stock layers."""

from arnn_search.layers._activations import activation_range, default_limit, dynamic_region
from arnn_search.layers._convolution import AutoRotConv1D, AutoRotConv2D, AutoRotConv3D
from arnn_search.layers._dense import AutoRotDense
from arnn_search.layers._depthwise_convolution import AutoRotDepthwiseConv1D, AutoRotDepthwiseConv2D
from arnn_search.layers._describe import Description, LayerDescription, describe
from arnn_search.layers._einsum_dense import AutoRotEinsumDense
from arnn_search.layers._exchange import EXCHANGES, RotatingLayer, exchange, rotating_layers
from arnn_search.layers._fold import fold
from arnn_search.layers._recurrent import AutoRotGRU, AutoRotLSTM, AutoRotSimpleRNN
from arnn_search.layers._recurrent_cells import AutoRotGRUCell, AutoRotLSTMCell, AutoRotSimpleRNNCell
from arnn_search.layers._separable_convolution import AutoRotSeparableConv1D, AutoRotSeparableConv2D
from arnn_search.layers._transposed_convolution import (
    AutoRotConv1DTranspose,
    AutoRotConv2DTranspose,
    AutoRotConv3DTranspose,
)
from arnn_search.layers._value_range import Input, infer_value_range
from arnn_search.layers._wrapper import AutoRotation

__all__ = [
    "EXCHANGES",
    "AutoRotConv1D",
    "AutoRotConv1DTranspose",
    "AutoRotConv2D",
    "AutoRotConv2DTranspose",
    "AutoRotConv3D",
    "AutoRotConv3DTranspose",
    "AutoRotDense",
    "AutoRotDepthwiseConv1D",
    "AutoRotDepthwiseConv2D",
    "AutoRotEinsumDense",
    "AutoRotGRU",
    "AutoRotGRUCell",
    "AutoRotLSTM",
    "AutoRotLSTMCell",
    "AutoRotSeparableConv1D",
    "AutoRotSeparableConv2D",
    "AutoRotSimpleRNN",
    "AutoRotSimpleRNNCell",
    "AutoRotation",
    "Description",
    "Input",
    "LayerDescription",
    "RotatingLayer",
    "activation_range",
    "default_limit",
    "describe",
    "dynamic_region",
    "exchange",
    "fold",
    "infer_value_range",
    "rotating_layers",
]
