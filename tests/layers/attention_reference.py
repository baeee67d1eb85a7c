"""Attention once more, in NumPy and float64: each of its projections is rotated by itself."""

import numpy as np

from tests.layers.numpy_reference import EPSILON, bounded, uniform


def self_attention(layer, weights, x):
    return attention(layer, weights, x, x)


def attention(layer, weights, query, value):
    point = uniform(layer)

    def limit(name):
        learned = weights.get(f"limit_{name}")
        return (layer.limit or 1.0) if learned is None else bounded(layer, learned)

    def rotated(name, x, point, equation):
        kernel, bias = weights[f"{name}/kernel"], weights.get(f"{name}/bias", 0.0)
        f, response = (np.einsum(equation, v, kernel) + bias for v in (x, np.full_like(x[:1, :1], point)))
        return limit(name) / (np.abs(response) + EPSILON) * f

    inputs = {"query": query, "key": value, "value": value}
    q, k, v = (rotated(name, x, point, "btc,chd->bthd") for name, x in inputs.items())
    scores = np.einsum("bqhd,bkhd->bhqk", q, k) / np.sqrt(q.shape[-1])
    scores = np.exp(scores - scores.max(-1, keepdims=True))
    mixed = np.einsum("bhqk,bkhd->bqhd", scores / scores.sum(-1, keepdims=True), v)
    # What is mixed are rotated values, which lie within -L..L.
    return rotated("attention_output", mixed, 3 * np.max(limit("value")), "bthd,hdc->btc")
