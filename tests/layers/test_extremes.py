"""No weights, however extreme, give outputs or gradients that are not finite."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.layers.conformance import NAMES, ROWS, outputs_of
from tests.layers.differentiation import gradients

SCALES = (0.0, 1.0, 1e-30, 1e30, -1e30)
PATTERNS = ("random", "equal", "cancelling")


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


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_outputs_and_gradients_stay_finite(row, data):
    variant = data.draw(st.sampled_from(_eager_variants(row)))
    layer, x = _layer(row, variant)
    generator = np.random.default_rng(data.draw(st.integers(0, 9)))
    for weight in layer.weights:
        if weight.path.endswith("/limit"):
            weight.assign(np.full(weight.shape, data.draw(st.sampled_from([-80.0, 0.0, 80.0]))))
            continue
        pattern, scale = data.draw(st.sampled_from(PATTERNS)), data.draw(st.sampled_from(SCALES))
        weight.assign(fill(weight.shape, pattern, scale, generator))
    outputs = outputs_of(layer, x)
    assert np.isfinite(outputs).all()
    assert all(np.isfinite(found).all() for found in gradients(layer, x, np.ones_like(outputs)))


_LAYERS: dict = {}


def _layer(row, variant):
    key = row.name, repr(variant)
    if key not in _LAYERS:
        _LAYERS[key] = row.built(**variant)
    return _LAYERS[key]


def _eager_variants(row):
    # A grouped convolution is compiled at each eager call on one of the backends: seconds, and nothing new.
    return [variant for variant in row.variants() if "groups" not in variant]
