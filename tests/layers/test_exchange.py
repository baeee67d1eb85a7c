"""Exchanging rotating layers: what comes in their place, with the same numbers to start from."""

import keras
import numpy as np
import pytest

from arnn_search import layers
from tests.layers.conformance import NAMES, ROWS
from tests.layers.row import name_of, outputs_of


def _network():
    keras.utils.set_random_seed(1)
    inputs = layers.Input((8, 8, 1), value_range=(0.0, 1.0))
    x = layers.AutoRotConv2D(3, 3, padding="same", activation="tanh", name="first")(inputs)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = layers.AutoRotConv2D(3, 3, activation="tanh", learn_limit=True, limit_per_unit=True, name="second")(x)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(4, activation="tanh")(x)
    inner = keras.Sequential([keras.Input((4,)), layers.AutoRotDense(4, activation="tanh", name="third")])
    x = inner(x)
    model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(x))
    model.compile(keras.optimizers.SGD(0.25), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def _kernels(model):
    return [
        keras.ops.convert_to_numpy(weight.value)
        for weight in model.weights
        if weight.path.split("/")[-1] in ("kernel", "bias")
    ]


def test_rotating_layers_are_found_from_input_to_output():
    assert layers.rotating_layers(_network()) == [
        layers.RotatingLayer("first", learns_limit=False, is_normalized=True),
        layers.RotatingLayer("second", learns_limit=True, is_normalized=False),
        layers.RotatingLayer("third", learns_limit=False, is_normalized=False),
    ]


def test_without_an_exchange_the_model_is_the_same():
    model = _network()
    same = layers.exchange(model, {})
    x = np.random.default_rng(0).uniform(size=(4, 8, 8, 1)).astype("float32")
    np.testing.assert_array_equal(outputs_of(same, x), outputs_of(model, x))
    assert same is not model
    assert same.optimizer.get_config()["learning_rate"] == pytest.approx(0.25)


@pytest.mark.parametrize("kind", layers.EXCHANGES)
def test_all_layers_are_exchanged_and_start_with_the_same_numbers(kind):
    model = _network()
    changed = layers.exchange(model, dict.fromkeys(("first", "second", "third"), kind))
    for kernel, its_clone in zip(_kernels(model), _kernels(changed), strict=True):
        np.testing.assert_array_equal(kernel, its_clone)
    rotating = layers.rotating_layers(changed)
    if kind == "other_limit":
        assert [layer.learns_limit for layer in rotating] == [True, False, True]
    else:
        assert rotating == []
    normalizations = [
        layer
        for layer in changed._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization) and layer.built
    ]
    assert len(normalizations) == (4 if kind == "batch_normalization" else 1)
    x = np.random.default_rng(0).uniform(size=(8, 8, 8, 1)).astype("float32")
    history = changed.fit(x, np.arange(8) % 2, epochs=1, verbose=0).history
    assert np.isfinite(history["loss"]).all()


def test_the_classic_layer_is_the_stock_one():
    model = _network()
    changed = layers.exchange(model, {"first": "classic"})
    assert type(changed.get_layer("first")) is keras.layers.Conv2D
    assert type(changed.get_layer("second")) is layers.AutoRotConv2D
    x = np.random.default_rng(0).uniform(size=(4, 8, 8, 1)).astype("float32")
    kernel, bias = changed.get_layer("first").get_weights()
    stock = keras.layers.Conv2D(3, 3, padding="same", activation="tanh")
    stock.build((None, 8, 8, 1))
    stock.set_weights([kernel, bias])
    part = keras.Model(changed.input, changed.get_layer("first").output)
    np.testing.assert_allclose(outputs_of(part, x), outputs_of(stock, x), atol=1e-6)


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_every_layer_can_be_exchanged_for_its_stock_layer(row):
    layer = row.make(value_range=(-1.0, 1.0), learn_limit=True)
    x = row.inputs(layer)
    classic = layers.exchange(row.model(layer, x), {layer.name: "classic"})
    stock = row.stock()
    row.call(stock, x)
    stock.set_weights(
        [
            keras.ops.convert_to_numpy(weight)
            for weight in layer.weights
            if not name_of(weight).startswith("limit")
        ]
    )
    np.testing.assert_allclose(outputs_of(classic, x), outputs_of(stock, x, call=row.call), atol=1e-6)


def test_wrapped_and_wrapping_layers_are_exchanged():
    inputs = keras.Input((5, 3))
    x = layers.AutoRotation(keras.layers.EinsumDense("abc,cd->abd", (None, 4), activation="tanh"))(inputs)
    x = layers.AutoRotation(keras.layers.MultiHeadAttention(2, 2), learn_limit=True)(x, x)
    x = keras.layers.Bidirectional(layers.AutoRotLSTM(3, return_sequences=True))(x)
    x = keras.layers.TimeDistributed(layers.AutoRotDense(2, activation="tanh"))(x)
    model = keras.Model(inputs, x)
    names = [layer.name for layer in layers.rotating_layers(model)]
    assert len(names) == 4
    changed = layers.exchange(model, dict.fromkeys(names, "classic"))
    assert layers.rotating_layers(changed) == []
    assert changed.output_shape == model.output_shape
    assert len(changed.weights) == len(model.weights) - 4  # attention's four limits
    layers.exchange(model, dict.fromkeys(names, "other_limit"))


def test_what_cannot_be_exchanged_is_named():
    model = _network()
    with pytest.raises(ValueError, match="no rotating layer 'norm'; it has first, second, third"):
        layers.exchange(model, {"norm": "classic"})
    with pytest.raises(ValueError, match="must be one of classic, batch_normalization, other_limit"):
        layers.exchange(model, {"first": "relu"})
