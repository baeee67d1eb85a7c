"""The layers once more, in NumPy and float64, from the formula: σ(ρ f(x)), ρ = L / (|f(x_Q)| + ε).

Nothing is shared with the package, and nothing is clever: x_Q really is put through the layer.
"""

import itertools
import math

import numpy as np

EPSILON = 1e-5

ACTIVATIONS = {
    "linear": lambda z: z,
    "sigmoid": lambda z: 0.5 * (1.0 + np.tanh(z / 2)),
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0.0),
    "softsign": lambda z: z / (1.0 + np.abs(z)),
}
LIMITS = {
    "sigmoid": 4.0,
    "tanh": 2.0,
    "relu": 1.0,
    "linear": 1.0,
    "softsign": 2.79,
}  # where 1/(1 + z)² is 7 %


def activation_of(layer):
    return ACTIVATIONS[layer.activation.__name__]


def limit_of(layer, weights):
    if "limit" in weights:
        return np.logaddexp(0.0, weights["limit"])
    return layer.limit if layer.limit is not None else LIMITS[layer.activation.__name__]


def rotate(layer, weights, f, f_reference):
    return activation_of(layer)(limit_of(layer, weights) / (np.abs(f_reference) + EPSILON) * f)


def uniform(layer):
    low, high = layer.value_range
    return 2 * high - low


def dense(layer, weights, x):
    kernel, bias = weights["kernel"], weights.get("bias", 0.0)
    f = x @ kernel + bias
    if not isinstance(layer.reference_point, str):
        f_reference = np.array(layer.reference_point) @ kernel + bias
    elif layer.reference_point == "uniform":
        f_reference = np.full(kernel.shape[0], uniform(layer)) @ kernel + bias
    else:
        radius = abs(uniform(layer)) * math.sqrt(kernel.shape[0])
        f_reference = radius * np.sqrt((kernel**2).sum(0)) + bias
    return rotate(layer, weights, f, f_reference)


def convolution(layer, weights, x):
    """Of any rank; the data format is the layer's."""
    kernel, bias = weights["kernel"], weights.get("bias", 0.0)
    if layer.data_format == "channels_first":
        x = np.moveaxis(x, 1, -1)
    geometry = (layer.strides, layer.padding, layer.dilation_rate)
    f = convolve(x, kernel, *geometry, groups=layer.groups) + bias
    if layer.boundary == "interior":
        seen = np.ones((1, *kernel.shape[:-2], x.shape[-1]))
        inner = ((1,) * layer.rank, "valid", (1,) * layer.rank)
    else:
        seen, inner = np.ones((1, *x.shape[1:])), geometry
    if layer.reference_point == "aligned":
        squares = convolve(seen, kernel**2, *inner, groups=layer.groups)
        inputs = convolve(seen, np.ones_like(kernel), *inner, groups=layer.groups)
        f_reference = abs(uniform(layer)) * np.sqrt(inputs) * np.sqrt(squares) + bias
    else:
        point = uniform(layer) if layer.reference_point == "uniform" else np.array(layer.reference_point)
        f_reference = convolve(seen * point, kernel, *inner, groups=layer.groups) + bias
    outputs = rotate(layer, weights, f, f_reference)
    return np.moveaxis(outputs, -1, 1) if layer.data_format == "channels_first" else outputs


def convolve(x, kernel, strides, padding, dilation, *, groups=1):
    """A convolution of any rank, channels last, tap by tap."""
    taps = kernel.shape[:-2]
    spans = [(tap - 1) * step + 1 for tap, step in zip(taps, dilation, strict=True)]
    pads = [
        pad(size, span, stride, padding)
        for size, span, stride in zip(x.shape[1:], spans, strides, strict=False)
    ]
    x = np.pad(x, [(0, 0), *pads, (0, 0)])
    sizes = [
        (size - span) // stride + 1 for size, span, stride in zip(x.shape[1:], spans, strides, strict=False)
    ]
    filters = kernel.shape[-1]
    outputs = np.zeros((len(x), *sizes, filters))
    channels = x.shape[-1] // groups
    for tap in itertools.product(*map(range, taps)):
        window = tuple(
            slice(index * step, index * step + (size - 1) * stride + 1, stride)
            for index, step, size, stride in zip(tap, dilation, sizes, strides, strict=True)
        )
        seen = x[(slice(None), *window)]
        for group in range(groups):
            mine = slice(group * filters // groups, (group + 1) * filters // groups)
            outputs[..., mine] += seen[..., group * channels : (group + 1) * channels] @ kernel[tap][:, mine]
    return outputs


def pad(size, span, stride, padding):
    if padding == "valid":
        return 0, 0
    if padding == "causal":
        return span - 1, 0
    total = max((math.ceil(size / stride) - 1) * stride + span - size, 0)
    return total // 2, total - total // 2
