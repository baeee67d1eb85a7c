"""`AutoRotation` around a layer is the rotation of that layer."""

import keras
import numpy as np
import pytest

from arnn_search import layers
from tests.layers.conformance import outputs_of
from tests.layers.differentiation import gradients
from tests.layers.numpy_reference import ACTIVATIONS, EPSILON, LIMITS
from tests.layers.test_extremes import fill
from tests.layers.test_fold import assert_folds

K = keras.layers
VECTORS, SEQUENCES, IMAGES, VOLUMES = ((4,), (6, 4), (6, 5, 4), (4, 4, 4, 2))
WRAPPED = [
    (K.Dense, {"units": 3}, VECTORS),
    (K.Dense, {"units": 3}, SEQUENCES),
    (K.EinsumDense, {"equation": "abc,cd->abd", "output_shape": (6, 3), "bias_axes": "d"}, SEQUENCES),
    (K.Conv1D, {"filters": 3, "kernel_size": 3, "padding": "causal"}, SEQUENCES),
    (K.Conv2D, {"filters": 3, "kernel_size": 3, "padding": "same"}, IMAGES),
    (K.Conv3D, {"filters": 3, "kernel_size": 2}, VOLUMES),
    (K.Conv1DTranspose, {"filters": 3, "kernel_size": 3, "strides": 2}, SEQUENCES),
    (K.Conv2DTranspose, {"filters": 3, "kernel_size": 3}, IMAGES),
    (K.DepthwiseConv2D, {"kernel_size": 3, "depth_multiplier": 2, "padding": "same"}, IMAGES),
    (K.SeparableConv1D, {"filters": 3, "kernel_size": 3}, SEQUENCES),
    (K.SeparableConv2D, {"filters": 3, "kernel_size": 3}, IMAGES),
]
IDS = [layer.__name__ for layer, _, _ in WRAPPED]
for_each = pytest.mark.parametrize(("stock", "arguments", "shape"), WRAPPED, ids=IDS)


def built(stock, arguments, shape, activation="tanh", **rotation):
    wrapper = layers.AutoRotation(
        stock(**arguments, activation=activation), **{"value_range": (-1, 1.5)} | rotation
    )
    x = np.random.default_rng(0).uniform(-1, 1, (3, *shape)).astype("float32")
    wrapper(x)
    generator = np.random.default_rng(1)
    for weight in wrapper.weights:
        weight.assign(generator.normal(0.2, 0.5, weight.shape))
    return wrapper, x


def formula(wrapper, stock, arguments, x, limit):
    """x_Q put through the stock layer without activation, as one sample."""
    linear = stock(**arguments)
    linear(x)
    linear.set_weights(wrapper.layer.get_weights())
    low, high = wrapper.value_range
    point = 2 * high - low if isinstance(wrapper.reference_point, str) else np.array(wrapper.reference_point)
    f, response = (
        outputs_of(linear, values).astype("float64")
        for values in (x, np.broadcast_to(point, (1, *x.shape[1:])).astype("float32"))
    )
    return ACTIVATIONS[wrapper.activation.__name__](limit / (np.abs(response) + EPSILON) * f)


@for_each
def test_wrapper_equals_the_formula(stock, arguments, shape):
    vector = np.linspace(0.5, 2, shape[-1]).tolist()
    for activation, rotation, limit in (
        ("tanh", {}, LIMITS["tanh"]),
        ("sigmoid", {"limit": 3.0, "value_range": (0, 1)}, 3.0),
        ("tanh", {"reference_point": vector}, LIMITS["tanh"]),
        ("sigmoid", {"learn_limit": True, "limit_per_unit": True}, None),
    ):
        wrapper, x = built(stock, arguments, shape, activation, **rotation)
        if limit is None:
            limit = keras.ops.convert_to_numpy(wrapper.limit_values())
        outputs = outputs_of(wrapper, x)
        expected = wrapper.compute_output_shape(x.shape)
        assert all(size in (None, found) for size, found in zip(expected, outputs.shape, strict=True))
        np.testing.assert_allclose(outputs, formula(wrapper, stock, arguments, x, limit), atol=1e-4)


@for_each
def test_wrapper_without_rotation_is_the_layer(stock, arguments, shape):
    wrapper, x = built(stock, arguments, shape, auto_rotation=False)
    assert np.array_equal(outputs_of(wrapper, x), outputs_of(wrapper.layer, x))


@for_each
def test_wrapper_is_saved_and_folds(stock, arguments, shape, tmp_path):
    wrapper, x = built(stock, arguments, shape, learn_limit=True)
    inputs = keras.Input(shape)
    model = keras.Model(inputs, wrapper(inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert np.array_equal(outputs_of(loaded, x), outputs_of(model, x))
    assert_folds(model, x)


@for_each
def test_gradients_pass_through_rho(stock, arguments, shape):
    wrapper, x = built(stock, arguments, shape, learn_limit=True)
    weigh = np.random.default_rng(3).normal(size=outputs_of(wrapper, x).shape).astype("float32")
    kernel = wrapper.layer.weights[0]
    index = (0,) * len(kernel.shape)
    found = gradients(wrapper, x, weigh)
    assert all(np.isfinite(gradient).all() for gradient in found)
    start, ends = np.array(keras.ops.convert_to_numpy(kernel)), []
    for step in (1e-2, -1e-2):
        moved = start.copy()
        moved[index] += step
        kernel.assign(moved)
        limit = keras.ops.convert_to_numpy(wrapper.limit_values())
        ends.append(np.sum(weigh * formula(wrapper, stock, arguments, x, limit)))
    kernel.assign(start)
    position = [id(weight) for weight in wrapper.trainable_weights].index(id(kernel))
    assert found[position][index] == pytest.approx((ends[0] - ends[1]) / 2e-2, rel=0.05, abs=0.05)


def test_wrapper_agrees_with_the_named_layer():
    wrapper, x = built(K.Conv2D, {"filters": 3, "kernel_size": 3, "padding": "same"}, IMAGES)
    named = layers.AutoRotConv2D(3, 3, padding="same", activation="tanh", value_range=(-1, 1.5))
    named(x)
    named.set_weights(wrapper.layer.get_weights())
    np.testing.assert_allclose(outputs_of(wrapper, x), outputs_of(named, x), atol=1e-5)


def test_each_projection_of_attention_is_rotated_by_itself():
    query, value = (
        np.random.default_rng(seed).uniform(-1, 1, (2, 5, size)) for seed, size in ((0, 4), (1, 6))
    )
    wrapper = layers.AutoRotation(K.MultiHeadAttention(2, 3), value_range=(-1, 1), limit=2.0)
    outputs = wrapper(query.astype("float32"), value.astype("float32"))
    weights = [np.asarray(weight, "float64") for weight in wrapper.layer.get_weights()]

    def rotated(x, kernel, bias, point, equation):
        f, response = (np.einsum(equation, v, kernel) + bias for v in (x, np.full_like(x[:1, :1], point)))
        return 2 / (np.abs(response) + EPSILON) * f

    q, k, v = (
        rotated(x, weights[2 * n], weights[2 * n + 1], 3.0, "btc,chd->bthd")
        for n, x in enumerate((query, value, value))
    )
    scores = np.einsum("bqhd,bkhd->bhqk", q, k) / np.sqrt(3)
    scores = np.exp(scores - scores.max(-1, keepdims=True))
    mixed = np.einsum("bhqk,bkhd->bqhd", scores / scores.sum(-1, keepdims=True), v)
    expected = rotated(mixed, weights[6], weights[7], 6.0, "bthd,hdc->btc")
    np.testing.assert_allclose(keras.ops.convert_to_numpy(outputs), expected, atol=1e-4)


def test_attention_is_saved_and_folds(tmp_path):
    query, value = keras.Input((5, 4)), keras.Input((7, 6))
    wrapper = layers.AutoRotation(K.MultiHeadAttention(2, 3), learn_limit=True)
    model = keras.Model([query, value], wrapper(query, value))
    assert model.output_shape == (None, 5, 4)
    assert len([weight for weight in wrapper.trainable_weights if "limit" in weight.path]) == 4
    x = [np.random.default_rng(0).uniform(0, 1, (2, *shape)).astype("float32") for shape in ((5, 4), (7, 6))]
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert np.array_equal(outputs_of(loaded, x), outputs_of(model, x))
    assert_folds(model, *x)


@keras.saving.register_keras_serializable(package="tests")
class Affine(K.Layer):
    """A layer of somebody's own; `power` 1 is linear."""

    def __init__(self, power=1, **kwargs):
        super().__init__(**kwargs)
        self.power = power

    def build(self, input_shape):
        self.scale = self.add_weight(shape=(input_shape[-1],), name="scale")

    def call(self, inputs):
        return self.scale * inputs**self.power + 1.0


def test_layer_of_unknown_type_is_measured():
    x = np.random.default_rng(0).uniform(0, 1, (2, 3)).astype("float32")
    wrapper = layers.AutoRotation(Affine())
    f, response = outputs_of(wrapper.layer, x), outputs_of(wrapper.layer, np.full((1, 3), 2, "float32"))
    np.testing.assert_allclose(outputs_of(wrapper, x), f / (np.abs(response) + EPSILON), atol=1e-5)
    with pytest.raises(ValueError, match=r"`layer` must be linear before its activation.*Received: Affine"):
        layers.AutoRotation(Affine(power=2))(x)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.AutoRotation(K.LSTM(2)), r"`layer` must be linear.*AutoRotLSTM.*Received: LSTM"),
        (lambda: layers.AutoRotation(layers.AutoRotDense(2)), r"`layer` rotates already.*AutoRotDense"),
        (lambda: layers.AutoRotation(keras.Sequential([K.Dense(2)])), r"`layer` must be one layer"),
        (lambda: layers.AutoRotation("dense"), r"`layer` must be a Keras layer. Received: 'dense'"),
        (lambda: layers.AutoRotation(K.Dropout(0.5)), r"`layer` has no weights.*Received: Dropout"),
        (lambda: layers.AutoRotation(K.LayerNormalization()), r"`layer` must be linear.*LayerNormalization"),
        (lambda: layers.AutoRotation(K.Dense(2), limit=0), r"`limit` must be positive.*Received: 0"),
        (lambda: layers.AutoRotation(K.Dense(2), value_range=(1, 0)), r"`value_range` must be"),
        (
            lambda: layers.AutoRotation(K.Dense(2), reference_point="aligned"),
            r"`reference_point` of AutoRotation",
        ),
        (lambda: layers.AutoRotation(K.Dense(2), reference_point=[1.0]), r"each of the 3 input features"),
    ],
)
def test_what_cannot_be_rotated_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()(np.random.default_rng(0).uniform(0, 1, (2, 3)).astype("float32"))


def test_quantization_is_refused():
    wrapper, _ = built(K.Dense, {"units": 2}, VECTORS)
    with pytest.raises(ValueError, match="cannot be quantized"):
        wrapper.quantize("int8")


@pytest.mark.parametrize(("policy", "tolerance"), [("mixed_bfloat16", 4e-2), ("mixed_float16", 6e-3)])
def test_reference_is_computed_in_the_precision_of_the_weights(policy, tolerance):
    wrapper, x = built(K.Dense, {"units": 3, "dtype": policy}, VECTORS)
    assert keras.backend.standardize_dtype(wrapper(x).dtype) == policy.removeprefix("mixed_")
    assert keras.backend.standardize_dtype(wrapper.rho().dtype) == "float32"
    np.testing.assert_allclose(
        outputs_of(wrapper, x), formula(wrapper, K.Dense, {"units": 3}, x, 2.0), atol=tolerance
    )


def test_reference_is_the_same_inside_a_call_as_outside(monkeypatch):
    wrapper, x = built(K.Dense, {"units": 3, "dtype": "mixed_bfloat16"}, VECTORS)
    seen, response = [], layers.AutoRotation._response
    monkeypatch.setattr(
        layers.AutoRotation, "_response", lambda *args: seen.append(response(*args)) or seen[-1]
    )
    wrapper(x)
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(seen[0]), keras.ops.convert_to_numpy(wrapper.reference_response())
    )


@pytest.mark.parametrize("scale", [0.0, 1.0, 1e30])
@pytest.mark.parametrize("pattern", ["equal", "cancelling"])
@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_no_weights_give_what_is_not_finite(pattern, scale, policy):
    if policy == "mixed_float16" and scale > 1:
        scale = 1e3
    for stock, arguments, shape in (WRAPPED[0], WRAPPED[4]):
        wrapper, x = built(stock, arguments | {"dtype": policy}, shape)
        for weight in wrapper.weights:
            weight.assign(fill(weight.shape, pattern, scale, None))
        outputs = outputs_of(wrapper, x)
        assert np.isfinite(outputs).all()
        if policy == "float32":  # in float16 a gradient of ρ times so many positions is loss scaling's affair
            assert all(np.isfinite(found).all() for found in gradients(wrapper, x, np.ones_like(outputs)))
