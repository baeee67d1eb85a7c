"""No weights, however extreme, give outputs or gradients that are not finite; in no geometry."""

import dataclasses

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.layers.conformance import CONVOLUTIONS, NAMES, ROWS
from tests.layers.differentiation import outputs_and_gradients
from tests.layers.row import name_of, runs_here, values

SCALES = (0.0, 1.0, 1e-30, 1e30, -1e30)
# A stock layer that multiplies its weights with each other is infinite itself at 1e30, and a wrapper runs it.
SCALES_OF_PRODUCTS = (0.0, 1.0, 1e-30, 1e12, -1e12)
MULTIPLYING = (keras.layers.SeparableConv1D, keras.layers.SeparableConv2D, keras.layers.MultiHeadAttention)
PATTERNS = ("random", "equal", "cancelling")
drawn = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def fill(shape, pattern, scale, generator):
    if pattern == "equal":
        return np.full(shape, scale, dtype="float32")
    if pattern == "random":
        return (scale * generator.normal(size=shape)).astype("float32")
    # Sums over the inputs of a unit are exactly 0: halves of opposite sign.
    values = np.ones(shape, dtype="float32").reshape(-1, shape[-1] if shape else 1)
    values[len(values) // 2 * 2 :] = 0
    values[1::2] *= -1
    return (scale * values).reshape(shape).astype("float32")


def draw_weights(data, row, layer):
    scales = SCALES_OF_PRODUCTS if row.is_around and row.parent in MULTIPLYING else SCALES
    generator = np.random.default_rng(data.draw(st.integers(0, 9)))
    for weight in layer.weights:
        if name_of(weight).startswith("limit"):
            weight.assign(np.full(weight.shape, data.draw(st.sampled_from([-80.0, 0.0, 80.0]))))
            continue
        pattern, scale = data.draw(st.sampled_from(PATTERNS)), data.draw(st.sampled_from(scales))
        weight.assign(fill(weight.shape, pattern, scale, generator))


def assert_finite(model, x):
    outputs, found = outputs_and_gradients(model, x)
    assert np.isfinite(outputs).all()
    assert all(np.isfinite(gradient).all() for gradient in found)


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
@settings(drawn, max_examples=6 if keras.config.backend() == "jax" else 12)
@given(data=st.data())
def test_outputs_and_gradients_stay_finite(row, data):
    layer, x = _layer(row, data.draw(st.sampled_from(_eager_variants(row))))
    model = row.model(layer, x) if row.parent is keras.layers.MultiHeadAttention else layer
    for _ in range(3):  # a variant is compiled on one of the backends, whatever its weights are
        draw_weights(data, row, layer)
        assert_finite(model, x)


@pytest.mark.parametrize("row", CONVOLUTIONS, ids=lambda row: row.name)
@settings(drawn, max_examples=5)
@given(data=st.data())
def test_every_geometry_gives_the_formula_and_stays_finite(row, data):
    """Shapes, strides, padding, dilation, groups and data formats, drawn together."""
    rank = len(row.input_shape) - 1
    shape = data.draw(st.tuples(*[st.integers(2, 6 - rank)] * rank))
    row = dataclasses.replace(row, input_shape=(*shape, 2))
    arguments = data.draw(geometries(row, rank)) | {"boundary": data.draw(st.sampled_from(row.boundaries))}
    assume(runs_here(row, arguments))
    layer, x = row.built(learn_limit=True, **arguments)
    expected = row.expected(layer, values(layer), x)
    outputs, _ = outputs_and_gradients(layer, x)
    assert outputs.shape == expected.shape
    assert (np.abs(outputs - expected) <= 1e-4 * np.maximum(np.abs(expected), 1.0)).all()
    draw_weights(data, row, layer)
    assert_finite(layer, x)


@st.composite
def geometries(draw, row, rank):
    """What a convolution of that rank can be given, but for what no stock layer takes together."""

    def for_each_axis(most):
        return draw(st.tuples(*[st.integers(1, most)] * rank))

    arguments = {"kernel_size": for_each_axis(3)}
    paddings = ["valid", "same", "causal"] if row.parent is keras.layers.Conv1D else ["valid", "same"]
    arguments["padding"] = draw(st.sampled_from(paddings))
    several = draw(st.sampled_from(["strides", "dilation_rate"]))
    equal = "Depthwise" in row.name or "Separable" in row.name  # one of the backends has no other strides
    arguments[several] = draw(st.integers(1, 3)) if equal else for_each_axis(3)
    arguments["data_format"] = draw(st.sampled_from(["channels_last", "channels_first"]))
    if equal:
        arguments["depth_multiplier"] = draw(st.integers(1, 2))
    elif "Transpose" not in row.name:
        arguments["groups"] = draw(st.sampled_from([1, 1, 1, 2]))
    return arguments


_LAYERS: dict = {}


def _layer(row, variant):
    key = row.name, repr(variant)
    if key not in _LAYERS:
        _LAYERS[key] = row.built(**variant)
    return _LAYERS[key]


def _eager_variants(row):
    # A grouped convolution is compiled at each eager call on one of the backends: seconds, and nothing new.
    return [variant for variant in row.variants() if "groups" not in variant]
