"""The convolutions once more, in NumPy and float64; see `numpy_reference`."""

import itertools
import math

import numpy as np

from tests.layers.numpy_reference import rotate, uniform


def convolution(layer, weights, x):
    """Of any rank; the data format is the layer's."""
    return rotated_map(layer, weights, x, Convolution(weights["kernel"], layer, layer.groups))


def depthwise(layer, weights, x):
    kernel = weights["kernel"]
    channels, multiplier = kernel.shape[-2:]
    alone = kernel.reshape(*kernel.shape[:-2], 1, channels * multiplier)
    return rotated_map(layer, weights, x, Convolution(alone, layer, channels))


def separable(layer, weights, x):
    return rotated_map(
        layer, weights, x, Separable(weights["depthwise_kernel"], weights["pointwise_kernel"], layer)
    )


def transposed(layer, weights, x):
    return rotated_map(layer, weights, x, Transposed(weights["kernel"], layer))


def rotated_map(layer, weights, x, linear):
    """`linear` is the map before the bias, which x_Q is put through as well."""
    bias = weights.get("bias", 0.0)
    if layer.data_format == "channels_first":
        x = np.moveaxis(x, 1, -1)
    f = linear(x) + bias
    interior = layer.boundary == "interior"
    whole = np.ones((1, *linear.taps, x.shape[-1])) if interior else np.ones((1, *x.shape[1:]))
    see = linear.inside if interior else linear
    if layer.reference_point == "aligned":
        squares = see(whole, linear.kernel**2)
        inputs = see(whole, np.ones_like(linear.kernel))
        # The share that a position inside sees of a strided transposed kernel is taken of the whole response.
        share = linear.share if interior else 1.0
        f_reference = abs(uniform(layer)) * np.sqrt(inputs / share) * np.sqrt(squares / share) * share + bias
    else:
        point = uniform(layer) if layer.reference_point == "uniform" else np.array(layer.reference_point)
        f_reference = see(whole * point) + bias
    outputs = rotate(layer, weights, f, f_reference)
    return np.moveaxis(outputs, -1, 1) if layer.data_format == "channels_first" else outputs


class Convolution:
    share = 1.0

    def __init__(self, kernel, layer, groups):
        self.kernel, self.groups, self.taps = kernel, groups, kernel.shape[:-2]
        self.how = (layer.strides, layer.padding, layer.dilation_rate)

    def __call__(self, x, kernel=None):
        return convolve(x, self.kernel if kernel is None else kernel, *self.how, groups=self.groups)

    def inside(self, x, kernel=None):
        ones = (1,) * len(self.taps)
        kernel = self.kernel if kernel is None else kernel
        return convolve(x, kernel, ones, "valid", ones, groups=self.groups)


class Separable(Convolution):
    def __init__(self, depthwise, pointwise, layer):
        channels, multiplier = depthwise.shape[-2:]
        blocks = pointwise.reshape(channels, multiplier, -1)
        super().__init__(np.einsum("...cm,cmf->...cf", depthwise, blocks), layer, 1)


class Transposed:
    """Every input is laid over the outputs, kernel by kernel."""

    def __init__(self, kernel, layer):
        self.kernel, self.taps = np.swapaxes(kernel, -1, -2), kernel.shape[:-2]
        self.layer, self.share = layer, 1.0 / math.prod(layer.strides)
        self.spans = [(tap - 1) * step + 1 for tap, step in zip(self.taps, layer.dilation_rate, strict=True)]

    def __call__(self, x, kernel=None):
        kernel = self.kernel if kernel is None else kernel
        sizes, strides, steps = x.shape[1:-1], self.layer.strides, self.layer.dilation_rate
        full = [(n - 1) * stride + span for n, stride, span in zip(sizes, strides, self.spans, strict=True)]
        wanted = self.positions(x)
        room = [max(pair) + span for *pair, span in zip(full, wanted, self.spans, strict=True)]
        outputs = np.zeros((len(x), *room, kernel.shape[-1]))
        for tap in itertools.product(*map(range, self.taps)):
            place = tuple(
                slice(index * step, index * step + (n - 1) * stride + 1, stride)
                for index, step, n, stride in zip(tap, steps, sizes, strides, strict=True)
            )
            outputs[(slice(None), *place)] += x @ kernel[tap]
        cut = []
        for n, span, wish in zip(full, self.spans, wanted, strict=True):
            # The overhang is cut on both sides.
            first = 0 if self.layer.padding == "valid" else min(max(n - wish, 0) // 2, span - 1)
            cut.append(slice(first, first + wish))
        return outputs[(slice(None), *cut)]

    def positions(self, x):
        if self.layer.data_format == "channels_last":
            return self.layer.compute_output_shape((1, *x.shape[1:]))[1:-1]
        return self.layer.compute_output_shape((1, x.shape[-1], *x.shape[1:-1]))[2:]

    def inside(self, x, kernel=None):
        kernel = self.kernel if kernel is None else kernel
        ones = (1,) * len(self.taps)
        return self.share * convolve(x, kernel, ones, "valid", ones)


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
