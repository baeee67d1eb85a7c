import shutil
from pathlib import Path

import numpy as np
import pytest

from .study_under_test import StudyUnderTest


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """A folder with small data, and with what is prepared of them."""
    from arnn_search.data import prepare

    folder = tmp_path_factory.mktemp("prepared")
    y = np.arange(120) % 2
    np.savez(folder / "small.npz", x=np.random.default_rng(0).normal(size=(120, 2)).astype("float32"), y=y)
    prepare(str(folder / "small.npz"), cache_directory=folder / "cache", seed=3)
    return folder


@pytest.fixture(scope="session")
def database(tmp_path_factory) -> Path:
    """An empty MLflow database, which takes seconds to make."""
    from arnn_search.tracking import ensure_store, resolve_uri

    folder = tmp_path_factory.mktemp("store")
    ensure_store(resolve_uri(folder=folder, environment={}))
    return folder / "mlflow.db"


@pytest.fixture
def new_study(tmp_path, prepared, database):
    """Makes the study that something will happen to."""
    made = []

    def make(**settings):
        made.append(StudyUnderTest(tmp_path, prepared, database, **settings))
        return made[-1]

    yield make
    for study in made:
        study.close()
    shutil.rmtree(tmp_path / "studies", ignore_errors=True)
