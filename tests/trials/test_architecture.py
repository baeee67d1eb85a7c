import keras
import pytest

from arnn_search.trials.architecture import architecture_hash


def _model(units=3, rate=1e-3, activation="tanh", **names):
    inputs = keras.Input((4,))
    x = keras.layers.Dense(units, activation=activation, **names)(inputs)
    y = keras.layers.Dense(units)(inputs)
    model = keras.Model(inputs, keras.layers.Add()([x, y]))
    model.compile(keras.optimizers.Adam(rate), "mse")
    return model


def test_names_do_not_count():
    assert (
        architecture_hash(_model()) == architecture_hash(_model()) == architecture_hash(_model(name="other"))
    )


@pytest.mark.parametrize("change", [{"units": 4}, {"rate": 1e-2}, {"activation": "relu"}])
def test_what_is_built_and_how_it_is_trained_counts(change):
    assert architecture_hash(_model()) != architecture_hash(_model(**change))


def test_hash_is_short_hexadecimal():
    assert len(architecture_hash(_model())) == 16
    int(architecture_hash(_model()), 16)
