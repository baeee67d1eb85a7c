"""Data sets that are known by name."""

import importlib.metadata
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from arnn_search.data import class_names, packaged
from arnn_search.data.download import download, keras_directory
from arnn_search.data.fingerprint import hash_files
from arnn_search.data.idx import read_idx
from arnn_search.data.raw import Array, RawData
from arnn_search.data.spec import Task
from arnn_search.errors import DataError

FASHION_MNIST_VARIABLE = "ARNN_SEARCH_FASHION_MNIST_DIRECTORY"
"""Environment variable that names another folder with Fashion-MNIST's four gzipped IDX files."""

_DEBIAN_FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")
_IDX_FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)


class SourceDescription(NamedTuple):
    """One line of the list of data sets."""

    name: str
    description: str
    is_local: bool


@dataclass(frozen=True)
class _NamedSource:
    description: str
    task: Task
    load: Callable[[], RawData]
    is_local: Callable[[], bool]
    fingerprint: Callable[[], str]


def is_named(source: str) -> bool:
    """Whether `source` is the name of a data set, rather than a path."""
    return source in _SOURCES


def named_sources() -> list[SourceDescription]:
    """Every named data set, with whether it can be loaded without a network."""
    return [SourceDescription(name, entry.description, entry.is_local()) for name, entry in _SOURCES.items()]


def named_task(name: str) -> Task:
    """The task of a named data set."""
    return _SOURCES[name].task


def load_named(name: str) -> RawData:
    """Load a named data set; raises `DataError` if it would have to be fetched and cannot be."""
    return _SOURCES[name].load()


def fingerprint_named(name: str) -> str:
    """A text that changes when the data set's content may have changed."""
    return _SOURCES[name].fingerprint()


def _fashion_mnist_directory() -> Path | None:
    chosen = os.environ.get(FASHION_MNIST_VARIABLE)
    directory = Path(chosen) if chosen else _DEBIAN_FASHION_MNIST
    missing = [name for name in _IDX_FILES if not (directory / name).is_file()]
    if chosen and missing:
        raise DataError(f"{FASHION_MNIST_VARIABLE} is {chosen}, which lacks {', '.join(missing)}.")
    return None if missing else directory


def _load_fashion_mnist() -> RawData:
    directory = _fashion_mnist_directory()
    if directory is None:
        return _images(*download("fashion-mnist"), class_names.FASHION_MNIST)
    x, y, x_test, y_test = (read_idx(directory / name) for name in _IDX_FILES)
    return _images(x, y, x_test, y_test, class_names.FASHION_MNIST)


def _images(x: Array, y: Array, x_test: Array, y_test: Array, names: tuple[str, ...]) -> RawData:
    if x.ndim == 3:
        x, x_test = x[..., np.newaxis], x_test[..., np.newaxis]
    return RawData(x, y, "classification", names, x_test=x_test, y_test=y_test)


def _from_scikit_learn(name: str, description: str, task: Task) -> _NamedSource:
    def load() -> RawData:
        from sklearn import datasets

        if name == "digits":
            bunch = datasets.load_digits()
            return RawData(bunch.images[..., np.newaxis], bunch.target, task, class_names.DIGITS)
        if name == "diabetes":
            bunch = datasets.load_diabetes(scaled=False)
            columns = tuple(map(str, bunch.feature_names))
            return RawData(bunch.data, bunch.target, task, columns=columns, targets=("progression",))
        bunch = getattr(datasets, f"load_{name.replace('-', '_')}")()
        columns = tuple(map(str, bunch.feature_names))
        return RawData(bunch.data, bunch.target, task, tuple(map(str, bunch.target_names)), columns=columns)

    def version() -> str:
        return f"scikit-learn {importlib.metadata.version('scikit-learn')}"

    return _NamedSource(description, task, load, lambda: True, version)


def _from_keras(name: str, description: str, names: tuple[str, ...], cached_as: str) -> _NamedSource:
    return _NamedSource(
        description,
        "classification",
        lambda: _images(*download(name), names),
        lambda: (keras_directory() / cached_as).exists(),
        lambda: "keras.datasets",
    )


def _from_package(name: str, description: str, task: Task, load: Callable[[], RawData]) -> _NamedSource:
    return _NamedSource(
        description, task, load, lambda: packaged.is_installed(name), lambda: packaged.version(name)
    )


def _fashion_mnist_is_local() -> bool:
    cached = keras_directory() / "fashion-mnist"
    return _fashion_mnist_directory() is not None or all((cached / name).is_file() for name in _IDX_FILES)


def _fingerprint_fashion_mnist() -> str:
    directory = _fashion_mnist_directory()
    if directory is None:
        return "keras.datasets"
    return hash_files([directory / name for name in _IDX_FILES], directory)


_SOURCES: dict[str, _NamedSource] = {
    "digits": _from_scikit_learn("digits", "1,797 handwritten digits, 8x8x1, 10 classes", "classification"),
    "fashion-mnist": _NamedSource(
        "70,000 pictures of clothes, 28x28x1, 10 classes",
        "classification",
        _load_fashion_mnist,
        _fashion_mnist_is_local,
        _fingerprint_fashion_mnist,
    ),
    "mnist": _from_keras(
        "mnist", "70,000 handwritten digits, 28x28x1, 10 classes", class_names.DIGITS, "mnist.npz"
    ),
    "cifar10": _from_keras(
        "cifar10",
        "60,000 photographs, 32x32x3, 10 classes",
        class_names.CIFAR10,
        "cifar-10-batches-py-target",
    ),
    "cifar100": _from_keras(
        "cifar100",
        "60,000 photographs, 32x32x3, 100 classes",
        class_names.CIFAR100,
        "cifar-100-python-target",
    ),
    "breast-cancer": _from_scikit_learn(
        "breast-cancer", "569 tumours, 30 measurements, 2 classes", "classification"
    ),
    "wine": _from_scikit_learn("wine", "178 wines, 13 measurements, 3 classes", "classification"),
    "diabetes": _from_scikit_learn("diabetes", "442 patients, 10 measurements, regression", "regression"),
    "pen-digits": _from_package(
        "pen-digits",
        "10,992 handwritten digits as 8 points of a pen, 8x2, 10 classes",
        "classification",
        packaged.load_pen_digits,
    ),
    "glucose": _from_package(
        "glucose",
        "48,809 hours of a sensor's raw current, 12 readings, regression, split by time",
        "regression",
        packaged.load_glucose,
    ),
}
