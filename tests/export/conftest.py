"""One study with every rotation, and one export of it in every format, that the tests look at."""

import pytest

import arnn_search

ROTATING_SPACE = '''"""Every rotation that a network can hold."""

import keras

from arnn_search import blocks


def build(hp, data):
    inputs = x = blocks.image_inputs(data)
    for boundary in ("padded", "interior"):
        for reference_point in ("uniform", "aligned"):
            layer = blocks.LayerChoice("ar_bn", "tanh", 1.0, True, reference_point, boundary)
            x = layer.conv2d(x, 3, 3)
    x = keras.layers.Flatten()(x)
    x = blocks.LayerChoice("ar", "sigmoid").dense(x, hp.Int("units", 8, 16))
    model = keras.Model(inputs, blocks.outputs(x, data))
    return blocks.compile_model(model, hp, data)
'''


@pytest.fixture(scope="session")
def digits(tmp_path_factory):
    return arnn_search.data.prepare("digits", cache_directory=tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="package")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    space = folder / "rotating.py"
    space.write_text(ROTATING_SPACE)
    return arnn_search.search(
        space,
        "digits",
        num_trials=2,
        epochs=1,
        executor="inline",
        mlflow=False,
        keep_models=1,
        directory=folder / "studies",
    )


@pytest.fixture(scope="package")
def bundle(study, tmp_path_factory):
    """The report of an export in every format."""
    return study.export(tmp_path_factory.mktemp("export") / "bundle")
