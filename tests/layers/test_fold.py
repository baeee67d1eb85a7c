"""A folded network computes the same with stock layers only."""

import keras
import numpy as np
import pytest

from arnn_search import layers
from tests.layers.conformance import CONVOLUTIONS, NAMES, PRODUCTS, ROWS
from tests.layers.row import outputs_of


def trained_look(model):
    generator = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(weight + generator.uniform(0.05, 0.3, size=weight.shape))
    return model


def assert_stock(model):
    for layer in model.layers:
        assert type(layer).__module__.startswith("keras."), layer
        if isinstance(layer, keras.Model):
            assert_stock(layer)


def assert_folds(model, *inputs):
    x = list(inputs) if len(inputs) > 1 else inputs[0]
    folded = layers.fold(model)
    assert_stock(folded)
    np.testing.assert_allclose(outputs_of(folded, x), outputs_of(model, x), atol=1e-5, rtol=1e-5)
    return folded


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_every_layer_folds_in_every_variant(row):
    for number, variant in enumerate(row.variants()):
        if number % 5:
            continue  # a fifth meets each value of each argument
        layer, x = row.built(seed=number, **variant)
        assert_folds(row.model(layer, x), x)


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_every_layer_folds_where_it_is_nested_and_shared(row):
    shared, x = row.built(learn_limit=True)
    nested, _ = row.built(seed=1)
    block = keras.Model(inputs := keras.Input(x.shape[1:]), row.call(nested, inputs), name="block")
    left, right = keras.Input(x.shape[1:]), keras.Input(x.shape[1:])
    merged = keras.layers.Add()([row.call(shared, left), row.call(shared, right), block(left), block(right)])
    model = keras.Model([left, right], merged)
    folded = assert_folds(model, x, x[::-1].copy())
    assert len(folded.layers) == len(model.layers) == 5
    if row.parent is not keras.layers.MultiHeadAttention:  # of two inputs
        single = keras.Sequential([keras.Input(x.shape[1:]), shared, keras.layers.Flatten()])
        assert isinstance(assert_folds(single, x), keras.Sequential)


def network():
    inputs = layers.Input((6, 5, 2), value_range=(-1, 1))
    x = layers.AutoRotConv2D(3, 3, padding="same", learn_limit=True, name="first")(inputs)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Activation("tanh")(x)
    x = layers.AutoRotConv2D(3, 3, padding="same", boundary="interior", activation="tanh")(x)
    x = keras.layers.Flatten()(x)
    x = layers.AutoRotDense(4, activation="sigmoid")(x)
    return trained_look(keras.Model(inputs, keras.layers.Dense(2)(x)))


IMAGES = np.random.default_rng(1).uniform(-1, 1, (3, 6, 5, 2)).astype("float32")
POINTS = np.random.default_rng(1).uniform(-1, 1, (3, 4)).astype("float32")


def test_functional_model_folds_with_its_compilation():
    model = network()
    model.compile("sgd", "mse", metrics=["mae"])
    folded = assert_folds(model, IMAGES)
    targets = np.zeros((3, 2))
    assert folded.evaluate(IMAGES, targets, verbose=0) == pytest.approx(
        model.evaluate(IMAGES, targets, verbose=0), rel=1e-5
    )


def test_sequential_model_folds():
    model = keras.Sequential([layers.AutoRotDense(3, activation="tanh"), keras.layers.Dense(2)])
    model(POINTS)
    assert isinstance(assert_folds(trained_look(model), POINTS), keras.Sequential)


def test_nested_models_fold():
    inner = keras.Sequential(
        [keras.Input((4,)), layers.AutoRotDense(4, activation="tanh"), keras.layers.Dense(4)], name="inner"
    )
    inputs = keras.Input((4,))
    middle = keras.Model(inputs, layers.AutoRotDense(4, activation="sigmoid")(inner(inputs)), name="middle")
    inputs = keras.Input((4,))
    assert_folds(trained_look(keras.Model(inputs, middle(inputs))), POINTS)


def test_shared_layers_stay_shared():
    left, right = keras.Input((4,)), keras.Input((4,))
    shared = layers.AutoRotDense(3, activation="tanh")
    block = keras.Sequential([keras.Input((3,)), shared.__class__(3, activation="tanh")], name="block")
    outputs = keras.layers.Concatenate()([block(shared(left)), block(shared(right))])
    model = trained_look(keras.Model([left, right], outputs))
    folded = assert_folds(model, POINTS, POINTS[::-1].copy())
    assert len(folded.weights) == len(model.weights) == 4


def test_folded_model_has_weights_of_its_own():
    model = network()
    folded = layers.fold(model)
    before = outputs_of(model, IMAGES)
    for weight in folded.weights:
        weight.assign(weight * 0)
    assert np.array_equal(outputs_of(model, IMAGES), before)


def test_model_that_cannot_be_folded_is_refused():
    class Subclassed(keras.Model):
        pass

    with pytest.raises(ValueError, match=r"`model` must be a functional or sequential model.*Subclassed"):
        layers.fold(Subclassed())
    with pytest.raises(ValueError, match="no weights yet"):
        layers.fold(keras.Sequential([layers.AutoRotDense(2)]))


ABSORBING = [row for row in ROWS if row in PRODUCTS or row in CONVOLUTIONS]


@pytest.mark.parametrize("row", ABSORBING, ids=lambda row: row.name)
def test_every_linear_layer_takes_in_the_batch_normalization_behind_it(row):
    for boundary in row.boundaries or (None,):
        for geometry, bias in ((row.possible[0], {}), (row.possible[-1], row.without_bias)):
            place = {} if boundary is None else {"boundary": boundary}
            layer, x = row.built(activation=None, **place, **geometry, **bias)
            inputs = keras.Input(x.shape[1:])
            normalization = keras.layers.BatchNormalization(axis=getattr(layer, "channel_axis", -1))
            outputs = keras.layers.Activation("tanh")(normalization(row.call(layer, inputs)))
            generator = np.random.default_rng(2)
            for weight in normalization.weights:
                weight.assign(generator.uniform(0.2, 2.0, size=weight.shape))
            normalization.gamma.assign(normalization.gamma * -1)
            model = keras.Model(inputs, outputs)
            folded = layers.fold(model, batch_normalization=True)
            assert_stock(folded)
            kinds = [type(part) for part in folded.layers]
            assert keras.layers.BatchNormalization not in kinds
            np.testing.assert_allclose(outputs_of(folded, x), outputs_of(model, x), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("boundary", ["padded", "interior"])
@pytest.mark.parametrize("use_bias", [True, False])
def test_batch_normalization_behind_a_linear_layer_is_folded_when_asked(boundary, use_bias):
    inputs = layers.Input((6, 5, 2), value_range=(-1, 1))
    x = layers.AutoRotConv2D(3, 3, padding="same", boundary=boundary, use_bias=use_bias)(inputs)
    x = keras.layers.Activation("tanh")(keras.layers.BatchNormalization()(x))
    x = layers.AutoRotDense(4, use_bias=use_bias)(keras.layers.Flatten()(x))
    x = keras.layers.BatchNormalization(scale=False)(x)
    x = layers.AutoRotDense(3, activation="tanh")(x)
    model = trained_look(keras.Model(inputs, keras.layers.BatchNormalization(name="kept")(x)))
    folded = layers.fold(model, batch_normalization=True)
    assert_stock(folded)
    np.testing.assert_allclose(outputs_of(folded, IMAGES), outputs_of(model, IMAGES), atol=1e-5, rtol=1e-5)
    left = [layer.name for layer in folded.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert left == ["kept"]


def test_batch_normalization_that_others_share_or_bypass_is_left_alone():
    inputs = layers.Input((4,), value_range=(-1, 1))
    first = layers.AutoRotDense(4)
    shared = keras.layers.BatchNormalization()
    x = first(inputs)
    both = keras.layers.Add()([shared(x), shared(layers.AutoRotDense(4)(inputs)), x])
    model = trained_look(keras.Model(inputs, both))
    folded = layers.fold(model, batch_normalization=True)
    np.testing.assert_allclose(outputs_of(folded, POINTS), outputs_of(model, POINTS), atol=1e-5, rtol=1e-5)
    assert any(isinstance(layer, keras.layers.BatchNormalization) for layer in folded.layers)
