"""From the text after `--data` to arrays."""

from pathlib import Path

from arnn_search.data.arrays import load_npz
from arnn_search.data.fingerprint import hash_files
from arnn_search.data.folders import list_images, load_folder
from arnn_search.data.named import (
    SourceDescription,
    fingerprint_named,
    is_named,
    load_named,
    named_sources,
    named_task,
)
from arnn_search.data.raw import RawData, check_task
from arnn_search.data.spec import Task
from arnn_search.data.tables import TABLE_SUFFIXES, load_table
from arnn_search.errors import DataError, UnknownNameError

_KINDS = "a .npz file, a CSV or Parquet file with a target, or a folder with a subfolder of images per class"


def available_sources() -> list[SourceDescription]:
    """The named data sets: `(name, description, is_local)`, where local ones need no network."""
    return named_sources()


def load_source(source: str, *, target: str | None = None, task: str | None = None) -> RawData:
    """Load a data set by name or path.

    Args:
        source: A name from `available_sources`, a `.npz`, `.csv`, `.csv.gz` or `.parquet` file, or a folder
            with one subfolder of images per class. A name wins over a path; write `./name` for the path.
        target: For tables, the column to predict; for regression several, separated by commas.
        task: `"classification"` or `"regression"`, where the source leaves it open.

    Raises:
        UnknownNameError: No data set has this name, or no task has that one.
        DataError: The source cannot be read, or does not fit `target` or `task`.
    """
    checked = _check_task_name(task)
    if is_named(source):
        _check_no_target(source, target)
        check_task(task, named_task(source), source)
        return load_named(source)
    path = locate(source)
    if path.is_dir():
        _check_no_target(source, target)
        check_task(task, "classification", source)
        return load_folder(path)
    if path.suffix == ".npz":
        _check_no_target(source, target)
        return load_npz(path, checked)
    return load_table(path, target, checked)


def check_source(source: str) -> None:
    """Raises what `load_source` would raise for a source that does not exist, without reading it."""
    if not is_named(source):
        locate(source)


def fingerprint_source(source: str) -> str:
    """A text that changes when the source's content changes, found without decoding it."""
    if is_named(source):
        return fingerprint_named(source)
    path = locate(source)
    try:
        if path.is_dir():
            return hash_files((image for images in list_images(path).values() for image in images), path)
        return hash_files([path], path.parent)
    except OSError as error:
        raise DataError(f"{source} cannot be read: {error}.") from error


def source_name(source: str) -> str:
    """The short name of a data set: its own, or that of its file or folder."""
    if is_named(source):
        return source
    path = locate(source).resolve()
    return path.name if path.is_dir() else path.name.removesuffix(".gz").rpartition(".")[0]


def locate(source: str) -> Path:
    """The existing file or folder that `source` stands for.

    Raises:
        UnknownNameError: It looks like a name, and no data set has it.
        DataError: There is no such path, or files like it cannot be read.
    """
    path = Path(source).expanduser()
    if path.is_dir():
        return path
    is_readable = path.name.endswith((".npz", *TABLE_SUFFIXES))
    if path.is_file():
        if not is_readable:
            raise DataError(f"{source} is of no known kind: give {_KINDS}.")
        return path
    if not source or (len(path.parts) == 1 and not path.suffix and not source.startswith((".", "~"))):
        known = [entry.name for entry in named_sources()]
        raise UnknownNameError("data set", source, known, hint=f"A path works too: {_KINDS}.")
    raise DataError(f"There is no file or folder {source}: give a data set's name, or {_KINDS}.")


def _check_task_name(task: str | None) -> Task | None:
    if task is None or task == "classification" or task == "regression":
        return task  # type: ignore[return-value]
    raise UnknownNameError("task", task, ["classification", "regression"])


def _check_no_target(source: str, target: str | None) -> None:
    if target is not None:
        raise DataError(
            f"{source} brings its own labels, so target={target!r} has no meaning: only tables have targets."
        )
