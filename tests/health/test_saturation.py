import math

import keras
import numpy as np
import pytest

from arnn_search.health import SaturationProbe

REGIONS = {"sigmoid": 4.0, "tanh": 2.0}


def _region(activation):
    return REGIONS.get(activation.__name__)


def _net(activation, weights):
    inputs = keras.Input((1,))
    hidden = keras.layers.Dense(len(weights), activation=activation, name="hidden")
    outputs = keras.layers.Dense(1, activation="sigmoid", name="output")(hidden(inputs))
    hidden.set_weights([np.array([weights], "float32"), np.zeros(len(weights), "float32")])
    return keras.Model(inputs, outputs)


@pytest.mark.parametrize(("activation", "region"), REGIONS.items())
def test_share_outside_the_dynamic_region(activation, region):
    model = _net(activation, [1.0])
    inputs = np.array([[-2 * region], [0.9 * region], [1.1 * region], [0.0]], "float32")
    probe = SaturationProbe(model, inputs, dynamic_region=_region)
    assert probe.measure() == {"hidden": 0.5}


def test_relu_units_that_never_fire_are_dead():
    model = _net("relu", [1.0, -1.0, 2.0, -3.0])
    probe = SaturationProbe(model, np.array([[1.0], [2.0]], "float32"), dynamic_region=_region)
    assert probe.measure() == {"hidden": 0.5}
    assert probe.mean() == 0.5


def test_activation_layer_after_batch_normalisation_is_watched():
    inputs = keras.Input((3,))
    x = keras.layers.Dense(4, name="linear")(inputs)
    x = keras.layers.Activation("sigmoid", name="act")(keras.layers.BatchNormalization()(x))
    model = keras.Model(inputs, keras.layers.Dense(1)(x))
    probe = SaturationProbe(model, np.ones((2, 3), "float32"), dynamic_region=_region)
    assert probe.layer_names == ("act",)


def test_subclassed_model_is_unknown_not_wrong():
    class Subclassed(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(1, activation="sigmoid")

        def call(self, inputs):
            return self.dense(inputs)

    probe = SaturationProbe(Subclassed(), np.ones((2, 3), "float32"), dynamic_region=_region)
    assert probe.measure() == {}
    assert math.isnan(probe.mean())
