"""What every test runs under, and the small data and spaces that many of them share."""

import os
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
# On older processors TensorFlow leaves oneDNN out, and with it channels-first and unequal strides on the CPU.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
for variable in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ.setdefault(variable, "1")
for variable in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_RUN_ID"):
    os.environ.pop(variable, None)

SMALL_SPACE = '''"""Two dense layers on two features."""

import keras


def build(hp, data):
    units = hp.Int("units", 2, 8)
    activation = hp.Choice("activation", ["tanh", "relu"])
    inputs = keras.Input(data.input_shape)
    x = keras.layers.Dense(units, activation=activation, name="hidden")(inputs)
    outputs = keras.layers.Dense(data.output_units, activation="softmax", name="output")(x)
    model = keras.Model(inputs, outputs)
    rate = hp.Float("learning_rate", 1e-3, 1e-1, sampling="log")
    model.compile(keras.optimizers.Adam(rate), data.loss, metrics=data.metrics)
    return model
'''


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what belongs to another backend, such as TensorFlow's own formats."""
    config.hook.pytest_deselected(items=[item for item in items if not _is_for_this_backend(item)])
    items[:] = filter(_is_for_this_backend, items)


def _is_for_this_backend(item: pytest.Item) -> bool:
    marker = item.get_closest_marker("only_on")
    return marker is None or os.environ["KERAS_BACKEND"] in marker.args


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In CI everything that a test may use is installed: a skip there hides a missing install step."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if os.environ.get("CI") == "true" and skipped and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter.write_line(f"{len(skipped)} skipped in CI, where nothing may be missing.", red=True)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of the user's own, and the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def small_file(tmp_path_factory) -> Path:
    """An `.npz` of 120 points in two classes that a small net can tell apart."""
    generator = np.random.default_rng(0)
    y = np.arange(120) % 2
    x = generator.normal(size=(120, 2)) + 3 * y[:, None]
    path = tmp_path_factory.mktemp("data") / "small.npz"
    np.savez(path, x=x.astype("float32"), y=y)
    return path


@pytest.fixture(scope="session")
def small_data(small_file, tmp_path_factory):
    """The same, prepared."""
    from arnn_search.data import prepare

    return prepare(str(small_file), cache_directory=tmp_path_factory.mktemp("cache"))


@pytest.fixture
def write_space(tmp_path):
    """Writes a search space: the small one, with `replaced` for `original` if given."""

    def write(original: str = "", replaced: str = "", *, name: str = "small_space.py") -> Path:
        assert original in SMALL_SPACE
        path = tmp_path / name
        path.write_text(SMALL_SPACE.replace(original, replaced) if original else SMALL_SPACE)
        return path

    return write
