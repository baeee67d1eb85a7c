from arnn_search.export.formats import FORMATS
from arnn_search.export.verify import OpenJob, open_in_clean_process


def test_file_that_does_not_open_says_why_and_leaves_the_others_alone(bundle, tmp_path):
    broken = tmp_path / "broken.keras"
    broken.write_bytes(b"none")
    jobs = [OpenJob(FORMATS["keras"], broken), OpenJob(FORMATS["config"], bundle.path / "config.json")]
    found = open_in_clean_process(jobs, stock=True, backend="tensorflow")
    assert "Error" in found["keras"].error
    assert found["config"].error == ""
    assert found["config"].num_parameters > 0


def test_clean_process_cannot_import_this_project(tmp_path, monkeypatch):
    monkeypatch.setattr(type(FORMATS["onnx"]), "opener", property(lambda self: _open_needy))
    found = open_in_clean_process([OpenJob(FORMATS["onnx"], tmp_path)], stock=True, backend="tensorflow")
    assert "the exported model needs arnn_search" in found["onnx"].error


def test_process_that_dies_is_an_error_of_its_files(tmp_path, monkeypatch):
    monkeypatch.setattr(type(FORMATS["onnx"]), "opener", property(lambda self: _open_deadly))
    found = open_in_clean_process([OpenJob(FORMATS["onnx"], tmp_path)], stock=True, backend="tensorflow")
    assert "The process ended (3)" in found["onnx"].error


def _open_needy(path):
    import arnn_search.layers

    return arnn_search.layers


def _open_deadly(path):
    import os

    os._exit(3)
