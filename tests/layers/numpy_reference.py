"""The layers once more, in NumPy and float64, from the formula: σ(ρ f(x)), ρ = L / (|f(x_Q)| + ε).

Nothing is shared with the package, and nothing is clever: x_Q really is put through the layer.
"""

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
        return bounded(layer, weights["limit"])
    return layer.limit if layer.limit is not None else LIMITS[layer.activation.__name__]


def bounded(layer, weight):
    """L of its weight, which is held so many times smaller as it is to move faster."""
    parameter = layer.limit_learning_rate_factor * weight
    if layer.limit_bounds is None:
        return np.logaddexp(0.0, parameter)
    low, high = layer.limit_bounds
    if high is None:
        return low + np.logaddexp(0.0, parameter)
    low = low or 0.0
    return low + (high - low) * ACTIVATIONS["sigmoid"](parameter)


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


def einsum_dense(layer, weights, x):
    """Written for kernels whose inputs come first, and for a bias that broadcasts over the units."""
    kernel, bias = weights["kernel"], weights.get("bias", 0.0)
    inputs = layer.equation.partition(",")[0].replace("...", "").strip()
    num_summed = sum(label not in layer.equation.partition("->")[2] for label in inputs)
    f = np.einsum(layer.equation, x, kernel) + bias
    axes = tuple(range(num_summed))
    if not isinstance(layer.reference_point, str):
        point = np.array(layer.reference_point).reshape(kernel.shape[:num_summed])
        f_reference = np.tensordot(point, kernel, num_summed) + bias
    elif layer.reference_point == "uniform":
        f_reference = uniform(layer) * kernel.sum(axes) + bias
    else:
        radius = abs(uniform(layer)) * math.sqrt(math.prod(kernel.shape[:num_summed]))
        f_reference = radius * np.sqrt((kernel**2).sum(axes)) + bias
    limits = limit_of(layer, weights)
    if np.size(limits) == f_reference.size:  # a wrapper has one for each index of the last axis
        limits = limits.reshape(f_reference.shape)
    return activation_of(layer)(limits / (np.abs(f_reference) + EPSILON) * f)
