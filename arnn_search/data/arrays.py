"""Data from a `.npz` file."""

import pickle
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

from arnn_search.data.raw import Array, RawData, infer_task
from arnn_search.data.spec import Task
from arnn_search.errors import DataError

_WANTED = "x and y, or x_train and y_train, with x_val, y_val, x_test and y_test where there are such parts"


def load_npz(path: Path, task: Task | None) -> RawData:
    """Read the arrays of a `.npz` file; pickled objects are refused, never opened.

    Whole-number and text labels are classes and fractions are quantities, unless `task` says otherwise.
    Byte arrays `(samples, height, width)` are grey images and gain a channel; flat `x` gains a feature.

    Args:
        path: A file with `x` and `y`, or `x_train` and `y_train`, and optionally `x_val`, `y_val`,
            `x_test`, `y_test`.
        task: The task, or None to go by the labels' type.

    Raises:
        DataError: The file cannot be read, or lacks an array.
    """
    try:
        # Opened here, because numpy.load leaves the file open when it refuses a damaged archive.
        with path.open("rb") as file:
            arrays = _read_parts(_open_archive(file, path), path)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}.") from error
    x, y = arrays[""]
    if task is None:
        if _looks_one_hot(y):
            raise DataError(
                f"The labels in {path} look one-hot, with shape {y.shape}: store y.argmax(axis=1), "
                'or give the task "regression".'
            )
        task = infer_task(y, integers_may_be_quantities=False)
    x_validation, y_validation = arrays.get("_val", (None, None))
    x_test, y_test = arrays.get("_test", (None, None))
    return RawData(
        x, y, task, x_validation=x_validation, y_validation=y_validation, x_test=x_test, y_test=y_test
    )


def _open_archive(file: BinaryIO, path: Path) -> Mapping[str, Array]:
    try:
        archive: object = np.load(file, allow_pickle=False)
    except (ValueError, OSError, EOFError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} is no .npz file of arrays ({error}): write it with numpy.savez.") from error
    if not isinstance(archive, np.lib.npyio.NpzFile):
        raise DataError(
            f"{path} holds one array without a name: write it with numpy.savez(path, x=..., y=...)."
        )
    return archive


def _read_parts(archive: Mapping[str, Array], path: Path) -> dict[str, tuple[Array, Array]]:
    names = set(archive)
    parts = {"": _pair(archive, "_train" if "x_train" in names else "", path)}
    for suffix in ("_val", "_test"):
        if {f"x{suffix}", f"y{suffix}"} & names:
            parts[suffix] = _pair(archive, suffix, path)
    return parts


def _pair(archive: Mapping[str, Array], suffix: str, path: Path) -> tuple[Array, Array]:
    wanted = [f"x{suffix}", f"y{suffix}"]
    missing = [name for name in wanted if name not in archive]
    if missing:
        listed = ", ".join(sorted(archive)) or "nothing"
        raise DataError(f"{path} lacks {' and '.join(missing)}: it holds {listed}; wanted are {_WANTED}.")
    x, y = (_read(archive, name, path) for name in wanted)
    if x.ndim == 1 or (x.ndim == 3 and x.dtype == np.uint8):
        x = x[..., np.newaxis]
    return x, y


def _read(archive: Mapping[str, Array], name: str, path: Path) -> Array:
    try:
        return archive[name]
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise DataError(f"The array {name} in {path} cannot be read: {error}.") from error
        raise DataError(
            f"The array {name} in {path} is a pickle, which could run code when opened: store plain arrays "
            "of numbers or fixed-width text."
        ) from error
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"The array {name} in {path} is damaged ({error}): write the file again.") from error


def _looks_one_hot(y: Array) -> bool:
    if y.ndim != 2 or y.shape[1] < 2 or y.dtype.kind not in "biuf":
        return False
    return bool(np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all())
