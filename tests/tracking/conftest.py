"""Real SQLite stores, cheap to have: created once, copied for each test."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from arnn_search.tracking import Tracker, ensure_store, resolve_uri
from arnn_search.tracking.quiet import quiet


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "mlflow_server: starts a real MLflow server on loopback")


@pytest.fixture(scope="session")
def _database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    ensure_store(resolve_uri(folder=folder, environment={}))
    return folder / "mlflow.db"


@pytest.fixture
def uri(_database: Path, tmp_path: Path) -> str:
    """A new SQLite store."""
    shutil.copy(_database, tmp_path / "mlflow.db")
    return resolve_uri(folder=tmp_path, environment={})


@pytest.fixture
def client(uri: str) -> Iterator[Any]:
    """MLflow's own client for the store."""
    with quiet():
        from mlflow import MlflowClient

        yield MlflowClient(uri)


@pytest.fixture
def new_tracker(tmp_path: Path, uri: str) -> Iterator[Callable[..., Tracker]]:
    """Open a tracker on the store; opening another one goes on in the same folder."""
    trackers = []

    def open_tracker(**changes: Any) -> Tracker:
        settings = {"study": "night", "study_id": "id-1", "tracking_uri": uri, "experiment": "search"}
        tracker = Tracker(tmp_path / "study", **{**settings, **changes})
        trackers.append(tracker)
        return tracker

    yield open_tracker
    for tracker in trackers:
        tracker.close(0.0)


@pytest.fixture
def tracker(new_tracker: Callable[..., Tracker]) -> Tracker:
    """A tracker on the store, with its study open."""
    tracker = new_tracker()
    tracker.start_study({"space": "poster-cnn"}, {"arnn.space_hash": "abc"})
    return tracker
