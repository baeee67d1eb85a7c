"""Every format on every built-in space, opened by its own runtime."""

import json

import numpy as np
import pytest

from arnn_search.errors import UnknownNameError
from arnn_search.export.formats import FORMATS, find_formats, format_of_file
from arnn_search.export.preprocess import unscale
from tests.export.networks import VARIANTS, build, exported


@pytest.fixture(
    scope="module", params=range(len(VARIANTS)), ids=lambda index: f"{VARIANTS[index][0]}-{index}"
)
def network(request, digits):
    """A network, what it is given, and what it has to answer; every other one scales its inputs itself."""
    space, choices = VARIANTS[request.param]
    model = build(space, choices, digits.spec)
    scaled = np.asarray(digits.test()[0][:9])
    is_raw = request.param % 2 == 0
    inputs = unscale(digits.spec, scaled) if is_raw else scaled
    return exported(model, digits.spec, is_raw=is_raw), inputs, model.predict(scaled, verbose=0)


@pytest.mark.parametrize("name", [name for name, entry in FORMATS.items() if entry.has_weights])
def test_written_network_gives_the_same_outputs_in_its_runtime(name, network, tmp_path):
    exported_network, inputs, expected = network
    entry = FORMATS[name]
    path = tmp_path / entry.file_name
    entry.write(exported_network, path)
    assert entry.matches(path)
    predict = entry.opener(str(path))
    for samples in (slice(None), slice(1)):
        np.testing.assert_allclose(predict(inputs[samples]), expected[samples], atol=1e-5)
    said = entry.read_preprocess(path)
    if name != "python":
        assert said["data"]["class_names"] == list("0123456789")
        assert "source" not in said["data"]
    assert {path.name, *entry.other_files} == {file.name for file in tmp_path.iterdir()}


def test_config_builds_the_network_and_names_the_searched_one(network, tmp_path):
    exported_network, _, _ = network
    path = tmp_path / "config.json"
    FORMATS["config"].write(exported_network, path)
    assert FORMATS["config"].opener(str(path)) == exported_network.model.count_params()
    content = json.loads(path.read_text())
    assert content["trial"] == 3
    assert "arnn_search" not in json.dumps(content["architecture"])


def test_saved_model_names_the_classes(digits, tmp_path):
    import tensorflow as tf

    model = build("dense-stack", {"family": "ar"}, digits.spec)
    FORMATS["savedmodel"].write(exported(model, digits.spec, is_raw=True), tmp_path / "saved")
    serve = tf.saved_model.load(str(tmp_path / "saved")).signatures["serving_default"]
    answer = serve(inputs=tf.constant(unscale(digits.spec, digits.test()[0][:5])))
    expected = [str(index) for index in answer["outputs"].numpy().argmax(axis=1)]
    assert [name.decode() for name in answer["class_name"].numpy()] == expected


def test_unknown_format_is_refused_with_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean onnx"):
        find_formats(["keras", "onxx"])


def test_formats_are_known_by_their_files_endings(tmp_path):
    assert format_of_file(tmp_path / "a.onnx").name == "onnx"
    assert format_of_file(tmp_path / "a.h5") is None
    assert format_of_file(tmp_path / "folder") is None
