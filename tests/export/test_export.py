import dataclasses
import json
import re
import zipfile

import numpy as np
import pytest
from filelock import FileLock

import arnn_search
from arnn_search.errors import ExportError, StudyError, UnknownNameError
from arnn_search.export import export as export_module
from arnn_search.export import pareto_trials
from arnn_search.export.formats import FORMATS
from arnn_search.export.verify import Opened


def test_every_format_is_verified_and_described(bundle):
    assert [file.format for file in bundle.files] == list(FORMATS)
    assert bundle.raw_inputs
    assert bundle.folded
    for file in bundle.files:
        assert file.path.exists()
        if FORMATS[file.format].has_weights:
            assert file.difference < 1e-4
            assert file.score == pytest.approx(bundle.recorded, abs=1e-4)
            assert file.milliseconds > 0
    found = {path.name for path in bundle.path.iterdir()}
    expected = {name for entry in FORMATS.values() for name in (entry.file_name, *entry.other_files)}
    assert found - expected == {"preprocess.json", "model_card.md", "model_card.html", "architecture.svg"}
    assert expected <= found
    assert not [path for path in bundle.path.parent.iterdir() if path.name.endswith(".unverified")]


def test_card_says_what_a_team_asks(bundle, study):
    card = (bundle.path / "model_card.md").read_text()
    trial = study.best_trial
    for expected in (
        study.data_spec.content_hash,
        f"{trial.num_parameters:,} (as searched)",
        "accuracy, test part",
        "health score",
        "limit L (mean)",
        "session = onnxruntime.InferenceSession('model.onnx')",
        f"arnn-search rerun {study.name} --trial {trial.number}",
        "architecture.svg",
    ):
        assert expected in card
    page = (bundle.path / "model_card.html").read_text()
    assert page.count("<svg") == 1
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")


def test_files_say_nothing_of_the_machine_that_trained(bundle, study):
    for name in ("preprocess.json", "config.json", "model.py", "model_card.md", "model_card.html"):
        text = (bundle.path / name).read_text()
        assert str(study.layout.directory) not in text
        assert str(bundle.path.parent) not in text


def test_config_holds_what_training_again_needs(bundle, study):
    content = json.loads((bundle.path / "config.json").read_text())
    assert content["parameters"] == study.best_trial.parameters
    assert content["training"]["best_epoch"] == 1
    assert content["training"]["study_seed"] == 0
    assert "AutoRotConv2D" in json.dumps(content["searched_architecture"])


def test_exported_file_is_stock_keras_and_gives_the_recorded_score(study, tmp_path):
    report = study.export(tmp_path / "new" / "best.keras")
    assert report.trial == study.best_trial.number
    assert report.verified == pytest.approx(report.recorded, abs=1e-4)
    assert not report.raw_inputs
    # The clean process has refused arnn_search already; here is what the file holds.
    with zipfile.ZipFile(report.path) as archive:
        config = archive.read("config.json").decode()
        assert json.loads(archive.read("preprocess.json"))["inputs"] == "scaled"
    assert "arnn" not in config.lower().replace("auto_rot", "")
    modules = set(re.findall(r'"module": "([^"]*)"', config))
    assert {module.partition(".")[0] for module in modules} == {"keras"}
    assert [path.name for path in report.path.parent.iterdir()] == ["best.keras"]


def test_unfolded_export_keeps_the_rotating_layers(study, tmp_path):
    import keras

    report = study.export(tmp_path / "raw.keras", fold=False)
    model = keras.saving.load_model(report.path)
    assert any(isinstance(layer, arnn_search.layers.AutoRotConv2D) for layer in model.layers)
    assert not report.folded
    with pytest.raises(ExportError, match="python is written in stock Keras layers"):
        study.export(tmp_path / "folder", fold=False, formats=["python"])


def _answering(change):
    """Stands for the clean processes: gives `change(format name, right outputs)`."""

    def answer(jobs, *, stock, backend):
        for job in jobs:
            np.save(job.outputs, change(job.format.name, np.load(job.inputs.parent / "reference.npy")))
        return {job.format.name: Opened(milliseconds=1.0) for job in jobs}

    return answer


def test_wrong_outputs_leave_no_file(study, tmp_path, monkeypatch):
    def exchanged(name, right):
        return right[::-1]

    monkeypatch.setattr(export_module, "open_in_clean_process", _answering(exchanged))
    with pytest.raises(ExportError, match="does not give the recorded score"):
        study.export(tmp_path / "best.keras")
    assert not list(tmp_path.iterdir())


def test_only_the_file_that_fails_is_missing_from_the_folder(study, tmp_path, monkeypatch):
    def off(name, right):
        return right * (0.999 if name == "onnx" else 1.0)

    monkeypatch.setattr(export_module, "open_in_clean_process", _answering(off))
    with pytest.raises(ExportError, match=r"onnx: Its outputs differ by .* Written and verified: keras\."):
        study.export(tmp_path / "out", formats=["keras", "onnx"])
    assert (tmp_path / "out" / "model.keras").is_file()
    assert not (tmp_path / "out" / "model.onnx").exists()


def test_what_cannot_be_exported_is_refused_before_anything_is_written(study, tmp_path):
    with pytest.raises(ExportError, match=r"must end in .keras, .onnx, .tflite"):
        study.export(tmp_path / "best.h5")
    with pytest.raises(UnknownNameError, match="Did you mean litert"):
        study.export(tmp_path / "out", formats=["lite-rt"])
    with pytest.raises(StudyError, match="no trial 9"):
        study.export(tmp_path / "best.keras", trial=9)
    with pytest.raises(ExportError, match="was not retrained"):
        study.export(tmp_path / "best.keras", refit=True)
    weaker = study.leaderboard[1].number
    with pytest.raises(ExportError, match=r"only those of the 1 best are .*arnn-search rerun .*--keep-model"):
        study.export(tmp_path / "best.keras", trial=weaker)
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten_unasked(study, tmp_path):
    (tmp_path / "there.keras").touch()
    with pytest.raises(ExportError, match=r"exists already. .*--force"):
        study.export(tmp_path / "there.keras")
    with pytest.raises(ExportError, match=r"is not empty. .*--force"):
        study.export(tmp_path)
    with pytest.raises(ExportError, match="ends like one keras file, and the formats are keras, onnx"):
        study.export(tmp_path / "there.keras", formats=["keras", "onnx"])
    assert (tmp_path / "there.keras").read_bytes() == b""


def test_study_that_runs_is_not_exported(study, tmp_path):
    with FileLock(study.layout.lock), pytest.raises(ExportError, match="is still running"):
        study.export(tmp_path / "best.keras")


def test_missing_package_is_named_with_its_extra(study, tmp_path, monkeypatch):
    monkeypatch.setattr(type(FORMATS["onnx"]), "packages", ("no_such_package",))
    with pytest.raises(ExportError, match=r"needs no_such_package: .*arnn-search\[onnx\]"):
        study.export(tmp_path / "best.onnx")


def test_pareto_front_is_of_score_and_size(study, monkeypatch):
    best = study.best_trial
    sizes = [90, 100, 50, 60, 40]
    trials = [
        dataclasses.replace(best, number=number, num_parameters=size) for number, size in enumerate(sizes)
    ]
    monkeypatch.setattr(type(study), "leaderboard", property(lambda self: trials))
    assert [trial.num_parameters for trial in pareto_trials(study)] == [90, 50, 40]
