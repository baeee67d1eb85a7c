"""The range of what enters a layer is carried through the network to it."""

import keras
import numpy as np
import pytest

from arnn_search import layers
from arnn_search.layers import infer_value_range

HALF_PI = np.pi / 2


def image(value_range=(-1.0, 2.0)):
    return layers.Input((6, 6, 3), value_range=value_range)


THROUGH = [
    (keras.layers.Dense(3), (-1, 2)),
    (keras.layers.Dense(3, activation="sigmoid"), (0, 1)),
    (keras.layers.Conv2D(3, 3, activation="tanh"), (-1, 1)),
    (keras.layers.Dense(3, activation="relu"), (0, 2)),
    (keras.layers.Activation("softsign"), (-1, 1)),
    (keras.layers.Dense(3, activation="elu"), (-1, 2)),
    (keras.layers.Activation("silu"), (-0.278464, 2)),
    (keras.layers.Activation("softplus"), (0, 2)),
    (keras.layers.Activation("log_sigmoid"), (-1, 0)),
    (keras.layers.Activation("relu6"), (0, 6)),
    (keras.layers.ReLU(max_value=1.5), (0, 1.5)),
    (keras.layers.ReLU(negative_slope=0.5), (-0.5, 2)),
    (keras.layers.LeakyReLU(negative_slope=0.25), (-0.25, 2)),
    (keras.layers.ELU(), (np.expm1(-1), 2)),
    (keras.layers.Softmax(), (0, 1)),
    (keras.layers.BatchNormalization(), (-3, 3)),
    (keras.layers.LayerNormalization(), (-3, 3)),
    (keras.layers.RMSNormalization(), (-3, 3)),
    (keras.layers.UnitNormalization(), (-1, 1)),
    (keras.layers.Normalization(mean=4.0, variance=9.0), (-3, 3)),
    (keras.layers.Normalization(mean=4.0, variance=9.0, invert=True), (1, 10)),
    (keras.layers.Rescaling(1 / 2, offset=1.0), (0.5, 2)),
    (keras.layers.Rescaling(-1.0), (-2, 1)),
    (keras.layers.Rescaling([1.0, -2.0, 3.0], offset=[0.0, 0.0, 1.0]), (-4, 7)),
    (keras.layers.Dropout(0.5), (-1, 2)),
    (keras.layers.GaussianNoise(1.0), (-1, 2)),
    (keras.layers.GlobalAveragePooling2D(), (-1, 2)),
    (keras.layers.GlobalMaxPooling2D(), (-1, 2)),
    (keras.layers.AveragePooling2D(2, padding="same"), (-1, 2)),
    (keras.layers.Flatten(), (-1, 2)),
    (keras.layers.Cropping2D(), (-1, 2)),
    (keras.layers.TimeDistributed(keras.layers.Dense(2, activation="sigmoid")), (0, 1)),
    (keras.layers.SpectralNormalization(keras.layers.Dense(2, activation="tanh")), (-1, 1)),
]


@pytest.mark.parametrize(("layer", "expected"), THROUGH, ids=lambda value: getattr(value, "name", ""))
def test_layer_does_to_the_range_what_it_does_to_values(layer, expected):
    assert infer_value_range(layer(image())) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (keras.layers.LSTM(2), (-1, 1)),
        (keras.layers.GRU(2, activation="sigmoid"), (0, 1)),
        (keras.layers.RNN(keras.layers.SimpleRNNCell(2)), (-1, 1)),
        (keras.layers.RNN([keras.layers.GRUCell(2), keras.layers.LSTMCell(2)]), (-1, 1)),
        (keras.layers.Bidirectional(keras.layers.LSTM(2)), (-1, 1)),
        (keras.layers.Bidirectional(keras.layers.LSTM(2), merge_mode="sum"), (-2, 2)),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_recurrence_gives_its_activations_range(layer, expected):
    assert infer_value_range(layer(layers.Input((5, 3), value_range=(0, 9)))) == pytest.approx(expected)


def test_embedding_does_not_give_the_range_of_its_indices():
    inputs = layers.Input((5,), value_range=(0, 9999), dtype="int32")
    assert infer_value_range(keras.layers.Embedding(10000, 4)(inputs)) == (-1, 1)


@pytest.mark.parametrize(
    ("merge", "expected"),
    [
        (keras.layers.Add(), (-3, 5)),
        (keras.layers.Subtract(), (-4, 4)),
        (keras.layers.Multiply(), (-4, 6)),
        (keras.layers.Average(), (-1.5, 2.5)),
        (keras.layers.Maximum(), (-1, 3)),
        (keras.layers.Minimum(), (-2, 2)),
        (keras.layers.Concatenate(), (-2, 3)),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_merging_two_ranges(merge, expected):
    assert infer_value_range(merge([image((-1, 2)), image((-2, 3))])) == pytest.approx(expected)


def test_operations_and_constants_count():
    x = image()
    assert infer_value_range(x * 2.0 + 1.0) == (-1, 5)
    assert infer_value_range(1.0 - x) == (-1, 2)
    assert infer_value_range(-x / np.float32([2.0, 4.0, 2.0])) == (-1, 0.5)
    assert infer_value_range(keras.ops.sigmoid(x)) == (0, 1)
    assert infer_value_range(keras.ops.maximum(x, 0.0)) == (0, 2)
    assert infer_value_range(keras.ops.concatenate([x, x * x])) == (-2, 4)


def test_each_call_of_a_shared_layer_counts_by_itself():
    shared = keras.layers.Dense(3, activation="relu")
    first, second = shared(image((0, 5))), shared(image((0, 9)))
    assert infer_value_range(first) == (0, 5)
    assert infer_value_range(second) == (0, 9)
    assert infer_value_range(shared(keras.layers.Rescaling(2.0)(second))) == (0, 18)
    assert infer_value_range(keras.layers.Concatenate()([first, second])) == (0, 9)


def test_nested_models_carry_what_they_are_called_with():
    inputs = keras.Input((6, 6, 3))
    other = keras.Input((6, 6, 3))
    scaled = keras.layers.Rescaling(3.0)(inputs)
    inner = keras.Model([inputs, other], [keras.layers.Add()([scaled, other]), other])
    outer = keras.Sequential([keras.layers.Rescaling(-1.0)])
    total, same = inner([image((0, 1)), image((0, 4))])
    assert infer_value_range(total) == (0, 7)
    assert infer_value_range(same) == (0, 4)
    assert infer_value_range(outer(total)) == (-7, 0)


def test_layers_of_a_nested_model_take_the_range_of_its_own_input():
    inner = keras.Sequential([layers.Input((3,), value_range=(-4, 4)), layers.AutoRotDense(2)])
    inner(layers.Input((3,), value_range=(0, 1)))
    assert inner.layers[-1].value_range == (-4, 4)


def test_sequential_model_without_input_starts_from_the_default():
    model = keras.Sequential([keras.layers.Rescaling(4.0), layers.AutoRotDense(2)])
    model(np.zeros((2, 3), "float32"))
    assert model.layers[-1].value_range == (0, 4)
    deferred = keras.Sequential([layers.AutoRotDense(2), layers.AutoRotDense(2)])
    deferred.build((None, 3))
    assert deferred.layers[0].value_range == (0, 1)


def test_first_use_of_a_shared_rotating_layer_decides():
    shared = layers.AutoRotDense(2)
    shared(image((-2, 2)))
    shared(image((0, 9)))
    assert shared.value_range == (-2, 2)


def test_tensor_that_no_graph_describes_takes_the_default():
    assert infer_value_range(np.zeros((2, 3))) == (0, 1)
    assert infer_value_range(keras.Input((3,))) == (0, 1)


def test_network_keeps_its_layers_as_they_were():
    dense = keras.layers.Dense(3)
    inputs = image()
    outputs = dense(inputs)
    infer_value_range(outputs)
    assert dense.output is outputs
    assert dense.input is inputs
