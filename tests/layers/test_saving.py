"""Every layer is saved, loaded elsewhere, exported, cloned, and trained on two devices."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest

from tests.layers.conformance import NAMES, ROWS
from tests.layers.row import outputs_of

LOAD = """
import sys
import arnn_search
import keras, numpy as np
for name in sys.argv[1:]:
    arrays = np.load(name + ".npz")
    model = keras.saving.load_model(name + ".keras")
    found = keras.ops.convert_to_numpy(model(arrays["x"]))
    assert np.array_equal(found, arrays["outputs"]), name
    print(name)
"""

MIRRORED = """
import os
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
# Optimising a graph of all rows takes longer than everything else.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
import sys
sys.path.insert(0, sys.argv[1])
import keras, numpy as np
from tests.layers.conformance import ROWS
mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"], tf.distribute.ReductionToOneDevice())
weights = []
for strategy in (tf.distribute.get_strategy(), mirrored):
    keras.utils.set_random_seed(0)
    with strategy.scope():
        made = [row.make(value_range=(-1.0, 1.5), learn_limit=True) for row in ROWS]
        inputs = [row.inputs(layer, batch=4) for row, layer in zip(ROWS, made)]
        models = [row.model(layer, x) for row, layer, x in zip(ROWS, made, inputs)]
        model = keras.Model([each.input for each in models], [each.output for each in models])
        model.compile(keras.optimizers.SGD(0.1), "mse", run_eagerly=strategy is not mirrored)
    targets = [np.zeros((4, *each.output_shape[1:]), "float32") for each in models]
    model.fit(inputs, targets, batch_size=4, epochs=2, shuffle=False, verbose=0)
    weights.append([each.get_weights() for each in models])
for row, *pair in zip(ROWS, *weights):
    for one, two in zip(*pair):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-5, err_msg=row.name)
    print(row.name)
"""


def trained_model(row):
    layer, x = row.built(learn_limit=True, **row.possible[-1])
    return row.model(layer, x), x


def run(program, *arguments, folder):
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.split()


def test_files_load_in_a_fresh_process_that_imports_nothing_but_the_package(tmp_path):
    for row in ROWS:
        model, x = trained_model(row)
        model.save(tmp_path / f"{row.name}.keras")
        np.savez(tmp_path / f"{row.name}.npz", x=x, outputs=outputs_of(model, x))
    assert run(LOAD, *NAMES, folder=tmp_path) == NAMES


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_clone_has_the_configuration_and_weights_of_its_own(row):
    model, x = trained_model(row)
    clone = keras.models.clone_model(model)
    assert clone.layers[-1].get_config() == model.layers[-1].get_config()
    json.dumps(model.layers[-1].get_config())
    clone.set_weights(model.get_weights())
    assert np.array_equal(outputs_of(clone, x), outputs_of(model, x))
    assert not {id(weight) for weight in clone.weights} & {id(weight) for weight in model.weights}


@pytest.mark.only_on("tensorflow")
@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_saved_model_serves_the_same(row, tmp_path):
    import tensorflow as tf

    model, x = trained_model(row)
    model.export(tmp_path / "served", verbose=False)
    served = tf.saved_model.load(str(tmp_path / "served"))
    np.testing.assert_allclose(served.serve(x), outputs_of(model, x), rtol=1e-6, atol=1e-6)


@pytest.mark.only_on("tensorflow")
def test_training_on_two_mirrored_devices_gives_the_weights_of_one(pytestconfig, tmp_path):
    assert run(MIRRORED, pytestconfig.rootpath, folder=tmp_path) == NAMES
