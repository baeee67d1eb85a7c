"""The table of a network's layers."""

import keras
import numpy as np
import pytest

import arnn_search
from arnn_search import layers


def network():
    inputs = layers.Input((6, 6, 2), value_range=(-1, 2))
    x = layers.AutoRotConv2D(3, 3, activation="sigmoid", name="rotating")(inputs)
    x = keras.layers.BatchNormalization(name="normal")(x)
    x = keras.layers.Flatten()(x)
    shared = layers.AutoRotDense(8, activation="tanh", reference_point="aligned", name="shared")
    x = shared(keras.layers.Dense(8, name="plain")(x))
    inner = keras.Sequential(
        [
            layers.Input((8,), value_range=(-1, 1)),
            layers.AutoRotDense(
                8,
                activation="tanh",
                learn_limit=True,
                limit_per_unit=True,
                reference_point=[1.5] * 8,
                name="in",
            ),
        ],
        name="inner",
    )
    return keras.Model(inputs, keras.layers.Dense(1, name="last")(inner(shared(inner(x)))))


def test_every_layer_with_weights_has_one_row():
    table = layers.describe(network(), show=False)
    assert [(row.layer, row.family) for row in table.rows] == [
        ("rotating", "ar"),
        ("normal", "bn"),
        ("plain", "classic"),
        ("shared", "ar"),
        ("inner/in", "ar"),
        ("last", "classic"),
    ]


def test_row_holds_what_the_layer_computes():
    model = network()
    layer = model.get_layer("inner").get_layer("in")
    next(weight for weight in layer.weights if weight.path.endswith("limit")).assign(np.linspace(1, 2, 8))
    row = layers.describe(model, show=False).rows[4]
    limits, responses, rho = map(
        keras.ops.convert_to_numpy, (layer.limit_values(), layer.reference_response(), layer.rho())
    )
    assert row.limit == pytest.approx((limits.min(), limits.max()))
    assert row.range_in == (-1, 1)
    assert row.reference_point == "vector"
    assert row.smallest_response == pytest.approx(np.abs(responses).min())
    assert row.largest_rho == pytest.approx(rho.max())


def test_table_is_printed_unless_it_is_not_wanted(capsys):
    table = arnn_search.describe(network())
    assert capsys.readouterr().out == f"{table}\n"
    lines = str(table).splitlines()
    assert lines[0].split("  ")[0] == "layer"
    assert "-1 to 2" in lines[2]
    assert (
        len({line.index(word) for line, word in zip(lines[2:5], ("ar", "bn", "classic"), strict=True)}) == 1
    )
    arnn_search.describe(network(), show=False)
    assert not capsys.readouterr().out


def test_limits_that_differ_are_shown_as_a_range():
    row = layers.describe(network(), show=False).rows[0]
    row = layers.LayerDescription(**{**vars(row), "limit": (1.25, 3.0)})
    assert "1.25 to 3" in str(layers.Description((row,)))


def test_what_is_open_stays_open():
    inputs = keras.Input((None, None, 1))
    model = keras.Model(inputs, layers.AutoRotConv2D(2, 3, padding="same", activation="tanh")(inputs))
    (row,) = layers.describe(model, show=False).rows
    assert row.limit == (2, 2)
    assert row.largest_rho is None
    (row,) = layers.describe(keras.Sequential([layers.AutoRotDense(2)]), show=False).rows
    assert (row.family, row.limit) == ("ar", None)


def test_rotating_layers_inside_wrappers_are_found():
    inputs = keras.Input((4, 3))
    outputs = keras.layers.TimeDistributed(layers.AutoRotDense(2, name="dense"), name="each")(inputs)
    (row,) = layers.describe(keras.Model(inputs, outputs), show=False).rows
    assert (row.layer, row.family) == ("each/dense", "ar")
