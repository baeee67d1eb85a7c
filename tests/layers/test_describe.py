"""The table of what rotates, and how."""

import keras
import numpy as np
import pytest

from arnn_search import layers


def network():
    inner = keras.Sequential(
        [keras.Input((3,)), layers.AutoRotDense(3, activation="tanh", name="deep")], name="inner"
    )
    shared = layers.AutoRotDense(3, activation="tanh", name="shared", reference_point=[1.0, 2.0, 3.0])
    inputs = layers.Input((3,), value_range=(-1.0, 2.0))
    x = layers.AutoRotDense(
        3, activation="sigmoid", learn_limit=True, limit_per_unit=True, limit=2.5, name="first"
    )(inputs)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = inner(shared(shared(x)))
    return keras.Model(inputs, keras.layers.Dense(2, name="last")(x))


def test_rows_follow_the_network_with_nested_and_shared_layers_once():
    rows = layers.describe(network(), show=False)
    assert [(row.layer, row.family) for row in rows] == [
        ("first", "ar"),
        ("norm", "bn"),
        ("shared", "ar"),
        ("inner/deep", "ar"),
        ("last", "classic"),
    ]
    assert rows[0].range_in == (-1.0, 2.0)
    assert rows[0].learned
    assert rows[0].limit == pytest.approx((2.5, 2.5))
    assert [row.reference_point for row in rows] == ["uniform", None, "vector", "uniform", None]


def test_response_and_rho_are_those_of_the_weights():
    model = network()
    kernel = np.array([[1.0, -2.0, 0.5], [1.0, -2.0, 0.0], [1.0, -2.0, 0.0]], dtype="float32")
    model.get_layer("first").kernel.assign(kernel)
    row = layers.describe(model, show=False)[0]
    # x_Q is 2 * 2 - (-1) = 5 in each component: responses 15, -30 and 2.5.
    assert row.smallest_response == pytest.approx(2.5)
    assert row.largest_rho == pytest.approx(2.5 / 2.5, rel=1e-4)


def test_table_is_printed(capsys):
    rows = layers.describe(network())
    printed = capsys.readouterr().out
    assert printed == f"{rows}\n"
    lines = printed.splitlines()
    assert lines[0].split()[:4] == ["layer", "type", "family", "limit"]
    assert "2.5 (learned)" in lines[2]
    assert len(lines) == 7


def test_model_without_weights_is_refused():
    with pytest.raises(ValueError, match="build it before describing it"):
        layers.describe(keras.Sequential([layers.AutoRotDense(2)]))
