import logging
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from arnn_search.errors import TrackingError
from arnn_search.tracking.quiet import quiet
from arnn_search.tracking.store import artifact_location, database_path, ensure_store, resolve_uri


def test_default_is_a_database_in_the_folder(tmp_path: Path) -> None:
    assert resolve_uri(folder=tmp_path, environment={}) == f"sqlite:///{tmp_path}/mlflow.db"


def test_environment_and_argument_are_respected(tmp_path: Path) -> None:
    environment = {"MLFLOW_TRACKING_URI": "http://server:5000"}
    assert resolve_uri(environment=environment) == "http://server:5000"
    given = resolve_uri("sqlite:///other.db", folder=tmp_path, environment=environment)
    assert given == f"sqlite:///{tmp_path}/other.db"
    assert resolve_uri("sqlite:////a/b.db") == "sqlite:////a/b.db"


@pytest.mark.parametrize("name", ["with space", "with#hash", "100%20", "why?"])
def test_any_folder_can_hold_the_database(tmp_path: Path, name: str) -> None:
    from sqlalchemy import make_url

    uri = resolve_uri(folder=tmp_path / name, environment={})
    assert database_path(uri) == tmp_path / name / "mlflow.db"
    assert make_url(uri).database == str(tmp_path / name / "mlflow.db")
    assert artifact_location(uri) == (tmp_path / name / "mlruns").as_uri()


def test_several_processes_may_create_the_store_at_once_and_say_nothing(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / ".mlflow.db.unfinished").write_bytes(b"of a process that was killed")
    code = "import sys; from arnn_search.tracking import ensure_store; ensure_store(sys.argv[1])"
    command = [sys.executable, "-W", "error", "-c", code, f"sqlite:///{tmp_path}/new/mlflow.db"]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(3)
    ]
    outputs = [process.communicate()[0] for process in processes]
    assert [(output, process.returncode) for output, process in zip(outputs, processes, strict=True)] == [
        (b"", 0)
    ] * 3


def test_file_store_is_refused() -> None:
    with pytest.raises(TrackingError, match="folder of files"):
        ensure_store("./mlruns")


def test_database_that_cannot_be_opened_is_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").mkdir()
    with pytest.raises(TrackingError, match="cannot be opened"):
        ensure_store(f"sqlite:///{tmp_path}/mlflow.db")


def test_quiet_gives_everything_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "7")
    environment, filters = dict(os.environ), list(warnings.filters)
    with quiet(), quiet():
        assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "1"
        assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "7"
    assert dict(os.environ) == environment
    assert list(warnings.filters) == filters


def test_only_our_own_threads_are_silent(capfd: pytest.CaptureFixture[str]) -> None:
    with quiet():
        logging.getLogger("mlflow.anything").warning("from our thread")
    logging.getLogger("mlflow.anything").warning("from the user's thread")
    assert "from our thread" not in capfd.readouterr().err
