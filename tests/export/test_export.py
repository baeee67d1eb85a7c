import json
import subprocess
import sys

import numpy as np
import pytest

import arnn_search
from arnn_search.errors import ExportError, StudyError
from arnn_search.export import export as export_module

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


@pytest.fixture(scope="module")
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


def test_exported_model_is_stock_keras_and_gives_the_recorded_score(study, tmp_path):
    report = study.export(tmp_path / "new" / "best.keras")
    assert report.trial == study.best_trial.number
    assert report.verified == pytest.approx(report.recorded, abs=1e-4)
    program = (
        "import json, sys, keras\n"
        "model = keras.saving.load_model(sys.argv[1])\n"
        "assert 'arnn_search' not in sys.modules\n"
        "def classes(m):\n"
        "    for layer in m.layers:\n"
        "        yield type(layer).__module__\n"
        "        yield from classes(layer) if hasattr(layer, 'layers') else ()\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in classes(model)})))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(report.path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == ["keras"]
    assert [path.name for path in report.path.parent.iterdir()] == ["best.keras"]


def test_unfolded_export_keeps_the_rotating_layers(study, tmp_path):
    import keras

    report = study.export(tmp_path / "raw.keras", fold=False)
    model = keras.saving.load_model(report.path)
    assert any(isinstance(layer, arnn_search.layers.AutoRotConv2D) for layer in model.layers)
    assert not report.folded


def test_wrong_score_leaves_no_file(study, tmp_path, monkeypatch):
    monkeypatch.setattr(
        export_module, "evaluate_in_clean_process", lambda *args, **kwargs: {"accuracy": np.nan, "loss": 1.0}
    )
    with pytest.raises(ExportError, match="does not give the recorded score"):
        study.export(tmp_path / "best.keras")
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_exported_is_refused(study, tmp_path):
    with pytest.raises(ExportError, match=r"must end in .keras"):
        study.export(tmp_path / "best.h5")
    (tmp_path / "there.keras").touch()
    with pytest.raises(ExportError, match=r"exists already. .*--force"):
        study.export(tmp_path / "there.keras")
    with pytest.raises(StudyError, match="no trial 9"):
        study.export(tmp_path / "best.keras", trial=9)
    weaker = study.leaderboard[1].number
    with pytest.raises(ExportError, match=r"only those of the 1 best are"):
        study.export(tmp_path / "best.keras", trial=weaker)
