"""Data from a CSV or Parquet table."""

import difflib
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from arnn_search.data.raw import Array, RawData, infer_task
from arnn_search.data.spec import Task
from arnn_search.errors import DataError, alternatives

TABLE_SUFFIXES = (".csv", ".csv.gz", ".parquet")

_MOST_CATEGORIES = 256


def load_table(path: Path, target: str | None, task: Task | None) -> RawData:
    """Read a table, one sample per row.

    Columns of numbers and truth values are features as they are; columns of text are categories. A first
    column without a name that counts the rows, as pandas writes it, is left out: in a sorted file it would
    give the label away.

    Args:
        path: A `.csv`, `.csv.gz` or `.parquet` file.
        target: The column to predict; for regression several, separated by commas.
        task: The task, or None to go by the target's type (`infer_task`).

    Raises:
        DataError: The file cannot be read, a target is missing or not named, a cell is empty, or a column
            is neither numbers nor categories.
    """
    frame = _read(path)
    if not len(frame):
        raise DataError(f"{path} has no rows: give a table with a header and one sample per row.")
    if target is None:
        raise DataError(f"{path} is a table, so a target must name the column to predict: {_listed(frame)}.")
    targets = _target_columns(frame, target, path)
    columns = [str(name) for name in frame.columns if name not in targets]
    if not columns:
        raise DataError(f"{path} has no column left to learn from beside the target {target}.")
    _check_no_empty_cell(frame, path)
    y = _target_array(frame, targets)
    if task is None:
        if len(targets) > 1 and y.dtype.kind == "O":
            raise DataError(
                f"Several targets mean regression, but {', '.join(targets)} in {path} are not all numbers."
            )
        task = "regression" if len(targets) > 1 else infer_task(y, integers_may_be_quantities=True)
    text_columns = tuple(name for name in columns if _is_text(frame[name], name, path))
    arrays = [frame[name].astype(str if name in text_columns else float).to_numpy() for name in columns]
    if text_columns:
        x: Array = np.empty((len(frame), len(columns)), dtype=object)
        for index, values in enumerate(arrays):
            x[:, index] = values
    else:
        x = np.stack(arrays, axis=1)
    return RawData(x, y, task, columns=tuple(columns), text_columns=text_columns, targets=tuple(targets))


def _read(path: Path) -> Any:
    import pandas as pd

    try:
        frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, low_memory=False)
    except (ValueError, OSError, EOFError, NotImplementedError, zlib.error) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{path} cannot be read as a table: {reason}.") from error
    frame.columns = [str(name) for name in frame.columns]
    repeated = frame.columns[frame.columns.duplicated()]
    if len(repeated):
        raise DataError(f"{path} has the column {repeated[0]} twice: give each column a name of its own.")
    first = frame.columns[0] if len(frame.columns) else ""
    if first in ("Unnamed: 0", "__index_level_0__") and np.array_equal(frame[first], np.arange(len(frame))):
        frame = frame.drop(columns=first)
    return frame


def _target_columns(frame: Any, target: str, path: Path) -> list[str]:
    if target in frame.columns:
        return [target]
    targets = [name.strip() for name in target.split(",")]
    for name in targets:
        if name not in frame.columns:
            nearest = difflib.get_close_matches(name, list(frame.columns), n=3, cutoff=0.5)
            advice = f"did you mean {alternatives(nearest)}?" if nearest else f"{_listed(frame)}."
            raise DataError(f"{path} has no column {name!r} to predict: {advice}")
    if len(set(targets)) < len(targets):
        raise DataError(f"The target {target!r} names a column twice.")
    return targets


def _listed(frame: Any) -> str:
    names = list(frame.columns)
    return f"its columns are {', '.join(names[:20])}{' and others' if len(names) > 20 else ''}"


def _check_no_empty_cell(frame: Any, path: Path) -> None:
    for name in frame.columns:
        empty = frame[name].isna().to_numpy()
        if empty.any():
            raise DataError(
                f"Column {name} in {path} has {int(empty.sum())} empty or NaN cells, the first in data row "
                f"{int(empty.argmax()) + 1}: fill them or leave these rows out."
            )


def _target_array(frame: Any, targets: list[str]) -> Array:
    import pandas as pd

    columns = frame[targets] if len(targets) > 1 else frame[targets[0]]
    types = pd.api.types
    # Nullable and Arrow-backed types come back as objects unless they are told their NumPy type.
    dtype: type = object
    if all(types.is_numeric_dtype(frame[name]) for name in targets):
        dtype = np.float64
        if len(targets) == 1 and types.is_bool_dtype(columns):
            dtype = np.bool_
        elif len(targets) == 1 and types.is_integer_dtype(columns):
            dtype = np.int64
    return np.asarray(columns.to_numpy(dtype=dtype))


def _is_text(column: Any, name: str, path: Path) -> bool:
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_complex_dtype(column):
        return False
    kinds = sorted({type(value).__name__ for value in column})
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(str)
    elif kinds != ["str"]:
        raise DataError(f"Column {name} in {path} holds {' and '.join(kinds)}: wanted are numbers or text.")
    parsed = pd.to_numeric(column, errors="coerce")
    strays = column[parsed.isna()]
    if len(strays) < len(column) / 2:
        raise DataError(
            f"Column {name} in {path} mixes numbers and text, such as {strays.iloc[0]!r} in data row "
            f"{int(parsed.isna().to_numpy().argmax()) + 1}: correct it, or write text in every row."
            if len(strays)
            else f"Column {name} in {path} holds numbers stored as text: store them as numbers."
        )
    num_categories = column.nunique()
    if num_categories > _MOST_CATEGORIES:
        raise DataError(
            f"Column {name} in {path} holds {num_categories} different texts, and each would become a "
            f"feature: leave the column out or merge them to at most {_MOST_CATEGORIES}."
        )
    return True
