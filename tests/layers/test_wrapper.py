"""`AutoRotation` around a layer is the rotation of that layer."""

import keras
import numpy as np
import pytest

from arnn_search import layers
from tests.layers.attention_reference import attention
from tests.layers.numpy_reference import EPSILON
from tests.layers.row import outputs_of, values
from tests.layers.test_fold import assert_folds

K = keras.layers


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


def test_each_projection_of_attention_takes_the_values_that_enter_it(tmp_path):
    query, value = keras.Input((5, 4)), keras.Input((7, 6))
    wrapper = layers.AutoRotation(K.MultiHeadAttention(2, 3), learn_limit=True, value_range=(-1, 1))
    model = keras.Model([query, value], wrapper(query, value))
    assert model.output_shape == (None, 5, 4)
    assert len([weight for weight in wrapper.trainable_weights if "limit" in weight.path]) == 4
    x = [np.random.default_rng(0).uniform(0, 1, (2, *shape)).astype("float32") for shape in ((5, 4), (7, 6))]
    expected = attention(wrapper, values(wrapper), *(value.astype("float64") for value in x))
    np.testing.assert_allclose(outputs_of(model, x), expected, atol=1e-4)
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
    wrapper, _ = built(K.Dense, {"units": 2}, (4,))
    attention = layers.AutoRotation(K.MultiHeadAttention(2, 3))
    x = np.zeros((1, 2, 4), "float32")
    attention(x, x)
    for refusing in (wrapper, wrapper.layer, attention.layer.query_dense):
        with pytest.raises(ValueError, match=r"AutoRotation cannot be quantized.*Received: quantize"):
            refusing.quantize("int8")
    still, _ = built(K.Dense, {"units": 2}, (4,), auto_rotation=False)
    still.layer.quantize("int8")
    with pytest.raises(ValueError, match="cannot be quantized"):
        layers.AutoRotation(still.layer)


def test_reference_is_the_same_inside_a_call_as_outside(monkeypatch):
    wrapper, x = built(K.Dense, {"units": 3, "dtype": "mixed_bfloat16"}, (4,))
    seen, response = [], layers.AutoRotation._response
    monkeypatch.setattr(
        layers.AutoRotation, "_response", lambda *args: seen.append(response(*args)) or seen[-1]
    )
    wrapper(x)
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(seen[0]), keras.ops.convert_to_numpy(wrapper.reference_response())
    )
