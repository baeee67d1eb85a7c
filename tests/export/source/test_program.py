import subprocess
import sys

import keras
import numpy as np
import pytest

from arnn_search.errors import ExportError
from arnn_search.export.formats import FORMATS
from arnn_search.export.network import ExportedNetwork


def _merging():
    inputs = keras.Input((8,), name="features")
    shared = keras.layers.Dense(4, activation="tanh", kernel_regularizer=keras.regularizers.L2(0.01))
    left = shared(keras.layers.Dense(8, activation="relu")(inputs))
    right = shared(inputs)
    x = keras.layers.Concatenate()([left, right])
    x = keras.layers.Add()([x, keras.layers.Dense(8, kernel_initializer="he_normal")(x)])
    x = keras.ops.maximum(x * 2.0, left[:, :1])
    return keras.Model(inputs, keras.layers.Dense(2, name="class")(x))


def _nested():
    inner_inputs = keras.Input((4,))
    inner = keras.Model(inner_inputs, keras.layers.Dense(4, activation="relu")(inner_inputs), name="block")
    inputs = keras.Input((4,))
    x = inner(inner(inputs))
    x = keras.Sequential([keras.layers.Dense(3), keras.layers.LayerNormalization()], name="head")(x)
    return keras.Model(inputs, x)


def _sequential():
    return keras.Sequential(
        [
            keras.Input((6, 6, 3)),
            keras.layers.SeparableConv2D(4, (3, 2), strides=(2, 1), padding="same", data_format=None),
            keras.layers.SpatialDropout2D(0.5),
            keras.layers.Flatten(),
            keras.layers.Dense(2),
        ]
    )


def _scaling():
    inputs = keras.Input((2,))
    x = keras.layers.Normalization(mean=[1000.0, 0.5], variance=[25.0, 0.01])(inputs)
    x = keras.layers.TimeDistributed(keras.layers.Dense(3))(keras.layers.Reshape((1, 2))(x))
    x = keras.layers.Bidirectional(keras.layers.LSTM(2))(x)
    x = keras.layers.Activation("gelu")(keras.layers.LeakyReLU(0.3)(x))
    return keras.Model(inputs, keras.layers.Rescaling([2.0, 3.0, 4.0, 5.0], offset=[1.0] * 4)(x))


def _write(model, path):
    network = ExportedNetwork(
        model,
        model,
        True,
        False,
        {"data": {"class_names": ["a class", 'with "quotes"']}},
        {"study": "s", "trial": 1},
    )
    FORMATS["python"].write(network, path)
    return path.read_text()


@pytest.mark.parametrize("make", [_merging, _nested, _sequential, _scaling])
def test_program_builds_the_same_network_without_a_blob(make, tmp_path):
    model = make()
    text = _write(model, tmp_path / "model.py")
    x = np.random.default_rng(0).normal(size=(5, *model.input_shape[1:])).astype("float32")
    found = FORMATS["python"].opener(str(tmp_path / "model.py"))(x)
    np.testing.assert_allclose(found, model.predict(x, verbose=0), atol=1e-6)
    assert "from_config" not in text
    assert "arnn_search" not in text


def test_program_looks_as_a_formatter_leaves_it(tmp_path):
    for index, make in enumerate((_merging, _nested, _sequential, _scaling)):
        _write(make(), tmp_path / f"model_{index}.py")
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--diff", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_shared_layer_stays_shared_and_defaults_are_left_out(tmp_path):
    text = _write(_merging(), tmp_path / "model.py")
    assert text.count("kernel_regularizer=keras.regularizers.L2(") == 1
    assert "HeNormal" in text
    assert "bias_initializer" not in text
    model = _merging()
    assert FORMATS["config"].has_weights is False
    namespace = {"__file__": str(tmp_path / "model.py"), "__name__": "model"}
    exec(compile(text, "model.py", "exec"), namespace)
    assert namespace["build"]().count_params() == model.count_params()


@keras.saving.register_keras_serializable(package="tests")
class Doubling(keras.layers.Layer):
    def call(self, x):
        return 2 * x


def test_layer_that_is_not_keras_own_is_refused(tmp_path):
    inputs = keras.Input((2,))
    with pytest.raises(ExportError, match=r"holds a Doubling from .*Leave the format python out"):
        _write(keras.Model(inputs, Doubling()(inputs)), tmp_path / "model.py")
