"""Mixed precision: weights are rotated in float32, and the rest is done in the policy's precision."""

import keras
import numpy as np
import pytest

from tests.layers.conformance import NAMES, ROWS
from tests.layers.differentiation import gradients
from tests.layers.row import outputs_of, values


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
@pytest.mark.parametrize(("policy", "tolerance"), [("mixed_bfloat16", 4e-2), ("mixed_float16", 6e-3)])
def test_mixed_precision_stays_near_the_formula(row, policy, tolerance):
    for boundary in row.boundaries or (None,):
        place = {} if boundary is None else {"boundary": boundary}
        for point in row.points():
            layer, x = row.built(
                dtype=policy, reference_point=point, learn_limit=True, **place, **row.possible[-1]
            )
            outputs = row.call(layer, x)
            assert keras.backend.standardize_dtype(outputs.dtype) == policy.removeprefix("mixed_")
            assert {weight.dtype for weight in layer.weights} == {"float32"}
            expected = row.expected(layer, values(layer), x)
            np.testing.assert_allclose(outputs_of(layer, x, call=row.call), expected, atol=tolerance)


# On that backend keras.layers.GRU itself cannot be called in float16: its state changes precision.
_IN_FLOAT16 = [row for row in ROWS if (keras.config.backend(), row.parent) != ("jax", keras.layers.GRU)]


@pytest.mark.parametrize("row", _IN_FLOAT16, ids=lambda row: row.name)
def test_rotation_at_its_largest_does_not_overflow_float16(row):
    layer, x = row.built(dtype="mixed_float16", **row.without_bias)
    for weight in layer.weights:
        # Pairs that cancel: f(x_Q) = 0, ρ = L / ε.
        weight.assign(np.resize([3.0, -3.0], weight.shape[::-1]).T)
    model = row.model(layer, x)
    outputs = outputs_of(model, x)
    assert np.isfinite(outputs).all()
    if not row.is_around:  # in float16 the gradient of a product behind the layer is loss scaling's affair
        assert all(np.isfinite(found).all() for found in gradients(model, x, np.ones_like(outputs)))


@pytest.mark.filterwarnings("ignore:Explicitly requested dtype float64")
@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_float64_is_computed_in_float64(row):
    layer, x = row.built(dtype="float64")
    outputs = keras.ops.convert_to_numpy(row.call(layer, x.astype("float64")))
    expected = row.expected(layer, values(layer), x)
    # Keras' own matmul is done in float32 on torch, as its attention is everywhere; and JAX has no float64
    # unless it is told to.
    exact = keras.config.backend() == "tensorflow" and row.parent is not keras.layers.MultiHeadAttention
    np.testing.assert_allclose(outputs, expected, rtol=0, atol=1e-12 if exact else 1e-5)
    assert outputs.dtype == np.float64 or not exact


@pytest.mark.parametrize(
    "row",
    [row for row in ROWS if "Separable" not in row.name and not row.is_around],
    ids=lambda row: row.name,
)
def test_weights_are_not_cast_before_they_are_rotated(row, monkeypatch):
    layer, x = row.built(dtype="mixed_bfloat16")
    seen = []
    owner = type(getattr(layer, "cell", layer))
    read = owner.rotation_kernel
    monkeypatch.setattr(owner, "rotation_kernel", lambda self: seen.append(read(self)) or seen[-1])
    layer(x)
    kernel = next(weight for weight in layer.weights if weight.path.endswith("/kernel"))
    for used in seen:
        assert np.array_equal(keras.ops.convert_to_numpy(used), keras.ops.convert_to_numpy(kernel))
    assert seen
