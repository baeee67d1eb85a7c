import numpy as np
import pytest
from PIL import Image

import arnn_search
from arnn_search.errors import DataError, ExportError
from arnn_search.export.inputs import read_inputs, unseen_categories
from arnn_search.export.predictor import open_model


@pytest.fixture(scope="module")
def images():
    from sklearn.datasets import load_digits

    return load_digits().images[:5].astype("uint8")


@pytest.mark.parametrize("name", ["", "model.keras", "saved_model", "model.onnx", "model.tflite", "model.py"])
def test_every_format_takes_raw_inputs(bundle, images, name, study):
    opened = open_model(bundle.path / name)
    assert opened.is_raw
    found = opened.predict(images)
    scaled = arnn_search.data.apply_scaling(study.data_spec, images)
    import keras

    expected = keras.saving.load_model(study.best_trial.model).predict(scaled, verbose=0)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_file_alone_knows_its_scaling(study, images, bundle, tmp_path):
    report = study.export(tmp_path / "best.onnx")
    assert not report.raw_inputs
    opened = open_model(report.path)
    assert not opened.is_raw
    np.testing.assert_allclose(
        opened.predict(images), open_model(bundle.path / "model.onnx").predict(images), atol=1e-5
    )


def test_strange_inputs_are_noticed(bundle, images):
    opened = open_model(bundle.path / "model.onnx")
    assert opened.strangeness(images) == ""
    assert "Are they in the same units?" in opened.strangeness(images.astype("float32") * 15)


def test_images_arrays_and_folders_are_read(bundle, images, tmp_path):
    spec = open_model(bundle.path / "model.onnx").spec
    np.savez(tmp_path / "some.npz", x=images)
    Image.fromarray(images[0]).save(tmp_path / "a.png")
    Image.fromarray(np.stack([images[1]] * 3, axis=-1)).save(tmp_path / "b.png")
    names, arrays = read_inputs(tmp_path / "some.npz", spec)
    assert names[1].endswith("some.npz:1")
    assert arrays.shape == (5, 8, 8)
    names, arrays = read_inputs(tmp_path, spec)
    assert [name.rpartition("/")[2] for name in names] == ["a.png", "b.png"]
    np.testing.assert_array_equal(arrays[..., 0], images[:2])


def test_inputs_that_do_not_fit_are_refused(bundle, images, tmp_path):
    spec = open_model(bundle.path / "model.onnx").spec
    Image.fromarray(np.repeat(images[0], 2, axis=1)).save(tmp_path / "wide.png")
    with pytest.raises(DataError, match="is 16x8, and this model takes 8x8"):
        read_inputs(tmp_path / "wide.png", spec)
    assert read_inputs(tmp_path / "wide.png", spec, resize=True)[1].shape == (1, 8, 8, 1)
    (tmp_path / "notes.txt").touch()
    with pytest.raises(DataError, match="of no known kind"):
        read_inputs(tmp_path / "notes.txt", spec)
    with pytest.raises(DataError, match="There is no file"):
        read_inputs(tmp_path / "none.png", spec)
    (tmp_path / "broken.npz").write_bytes(b"none")
    with pytest.raises(DataError, match="cannot be read"):
        read_inputs(tmp_path / "broken.npz", spec)


def test_what_is_no_exported_model_is_refused(bundle, tmp_path):
    with pytest.raises(ExportError, match="There is no model"):
        open_model(tmp_path / "none.keras")
    (tmp_path / "x.keras").write_bytes(b"none")
    with pytest.raises(ExportError, match="does not say how its inputs are scaled"):
        open_model(tmp_path / "x.keras")
    (tmp_path / "x.onnx").write_bytes(b"none")
    with pytest.raises(ExportError, match="cannot be opened as onnx"):
        open_model(tmp_path / "x.onnx")
    with pytest.raises(ExportError, match="is no exported model"):
        open_model(bundle.path / "config.json")


TABLE = """size,colour,price
{rows}
"""


@pytest.fixture(scope="module")
def table_study(tmp_path_factory):
    """A regression on a number and a text."""
    folder = tmp_path_factory.mktemp("table")
    generator = np.random.default_rng(0)
    rows = [
        f"{size:.3f},{colour},{1000 + 50 * size + (200 if colour == 'red' else 0):.2f}"
        for size, colour in zip(
            generator.uniform(10, 20, 80), generator.choice(["red", "blue"], 80), strict=True
        )
    ]
    path = folder / "prices.csv"
    path.write_text(TABLE.format(rows="\n".join(rows)))
    return arnn_search.search(
        "dense-stack",
        path,
        target="price",
        num_trials=1,
        epochs=2,
        executor="inline",
        mlflow=False,
        directory=folder / "studies",
    )


@pytest.mark.parametrize("raw_inputs", [True, False])
def test_table_with_texts_gives_targets_in_their_own_units(table_study, tmp_path, raw_inputs):
    report = table_study.export(tmp_path / "prices.onnx", raw_inputs=raw_inputs)
    opened = open_model(report.path)
    (tmp_path / "new.csv").write_text("colour,other,size\nred,1,12\nblue,2,18\ngreen,3,15\n")
    names, frame = read_inputs(tmp_path / "new.csv", opened.spec)
    assert len(names) == 3
    found = opened.predict(frame)
    assert found.shape == (3, 1)
    assert np.all((found > 500) & (found < 3000))
    assert unseen_categories(opened.spec, frame) == "Not among the categories of training: colour: green."
    (tmp_path / "holes.csv").write_text("colour,size\nred,1\nblue,\n")
    with pytest.raises(DataError, match=r"Column size .* is empty in data row 2"):
        read_inputs(tmp_path / "holes.csv", opened.spec)
    (tmp_path / "less.csv").write_text("colour\nred\n")
    with pytest.raises(DataError, match="lack the columns size"):
        opened.predict(read_inputs(tmp_path / "less.csv", opened.spec)[1])
