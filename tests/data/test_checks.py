from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from arnn_search.data import prepare
from arnn_search.data.checks import row_chunks
from arnn_search.errors import DataError

Save = Callable[..., str]
X = np.arange(60.0).reshape(20, 3)
Y = np.arange(20) % 2


def _with(array: Any, index: Any, value: float) -> Any:
    changed = array.astype(np.float64)
    changed[index] = value
    return changed


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": _with(X, (3, 1), np.nan), "y": Y}, r"x of .* is NaN, .* in 1 samples, the first at index 3"),
        ({"x": _with(X, (5, 1), -np.inf), "y": Y}, r"x of .* NaN, infinite .* the first at index 5"),
        ({"x": _with(X, (5, 1), 1e300), "y": Y}, r"beyond float32"),
        ({"x": X, "y": Y, "x_test": _with(X, (0, 0), np.nan), "y_test": Y}, r"x_test of .* is NaN"),
        ({"x": X, "y": Y[:-1]}, r"x of .* has 20 samples and y has 19 labels"),
        ({"x": X, "y": np.array(1)}, r"has 20 samples and y has 0 labels"),
        ({"x": X[:0], "y": Y[:0]}, r"x of .* is empty"),
        ({"x": np.zeros((20, 0)), "y": Y}, r"has shape \(20, 0\)"),
        ({"x": np.array(1.0), "y": Y}, r"has shape \(\)"),
        ({"x": X, "y": Y, "x_test": X[:, :2], "y_test": Y}, r"x_test of .* have shape \(2,\) and"),
        ({"x": X.astype(str), "y": Y}, r"Inputs must be numbers, and x of .* is text"),
        ({"x": X.astype(complex), "y": Y}, r"is complex"),
        ({"x": X.astype("M8[s]"), "y": Y}, r"is dates"),
        ({"x": np.ones((20, 3)), "y": Y}, r"All training inputs of .* are one number"),
        ({"x": X, "y": _with(Y, 4, np.nan)}, r"y of .* is NaN, infinite .* the first at index 4"),
        ({"x": X, "y": np.full(20, 0.5)}, r"target number 0 of .* is 0\.5 in every sample"),
        ({"x": X, "y": X, "x_test": X, "y_test": X[:, :2]}, r"y_test of .* has 2 targets and y has 3"),
        ({"x": X, "y": np.zeros((20, 2, 2))}, r"y of .* has shape \(20, 2, 2\)"),
        ({"x": X[:2], "y": np.array([0.5, 1.5])}, r"2 samples are too few"),
    ],
)  # fmt: skip
def test_data_that_cannot_be_trained_on(
    save_npz: Save, cache: Path, arrays: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        prepare(save_npz(**arrays), cache_directory=cache)
    assert not [path for path in cache.iterdir() if path.is_dir()]


def test_text_is_no_target_of_a_regression(save_npz: Save, cache: Path) -> None:
    path = save_npz(x=X, y=Y.astype(str))
    with pytest.raises(DataError, match=r"Targets of a regression must be numbers, and y of .* is text"):
        prepare(path, task="regression", cache_directory=cache)


def test_infinite_number_in_a_table_is_named_by_its_column(tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b,c,y\n" + "1,2,red,0\n3,4,blue,1\n" * 5 + "1,inf,red,0\n")
    with pytest.raises(DataError, match=r"x, column b, of .* infinite .* the first at index 10"):
        prepare(str(path), target="y", cache_directory=cache)
    path.write_text("a,b,y\n" + "1,2,0\n3,4,1\n" * 5 + "1,-inf,0\n")
    with pytest.raises(DataError, match=r"x, first of all column b, of .* the first at index 10"):
        prepare(str(path), target="y", cache_directory=cache)


def test_half_precision_is_checked_without_overflow(save_npz: Save, cache: Path) -> None:
    prepared = prepare(save_npz(x=X.astype(np.float16), y=Y), cache_directory=cache)
    assert prepared.train()[0].dtype == np.float32


def test_chunks_cover_all_rows_once() -> None:
    rows = np.concatenate([np.arange(10)[chunk] for chunk in row_chunks(10, 1 << 19)])
    assert rows.tolist() == list(range(10))
    assert len(list(row_chunks(10, 1 << 30))) == 10
