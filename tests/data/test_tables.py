from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from arnn_search.data import load_source
from arnn_search.errors import DataError

FRAME = pd.DataFrame(
    {
        "length": [1.5, 2.5, 3.5, 4.5],
        "colour": ["red", "blue", "red", "green"],
        "wild": [True, False, True, True],
        "kind": ["cat", "dog", "cat", "dog"],
    }
)


def _save(frame: pd.DataFrame, path: Path, **options: Any) -> str:
    if path.suffix == ".parquet":
        frame.to_parquet(path, **options)
    else:
        frame.to_csv(path, **{"index": False, **options})
    return str(path)


@pytest.mark.parametrize("name", ["pets.csv", "pets.csv.gz", "pets.parquet"])
def test_columns_of_numbers_text_and_truth_values(tmp_path: Path, name: str) -> None:
    raw = load_source(_save(FRAME, tmp_path / name), target="kind")
    assert raw.columns == ("length", "colour", "wild")
    assert raw.text_columns == ("colour",)
    assert raw.targets == ("kind",)
    assert raw.task == "classification"
    assert raw.x.tolist() == [[1.5, "red", 1.0], [2.5, "blue", 0.0], [3.5, "red", 1.0], [4.5, "green", 1.0]]
    assert raw.y.tolist() == ["cat", "dog", "cat", "dog"]


def test_numbers_alone_make_an_array_of_numbers(tmp_path: Path) -> None:
    path = _save(FRAME[["length", "wild", "kind"]], tmp_path / "pets.csv")
    assert load_source(path, target="kind").x.dtype == np.float64


@pytest.mark.parametrize(
    ("values", "task"),
    [
        ([0.5, 1.5, 2.5, 3.5], "regression"),
        ([0, 1, 0, 1], "classification"),
        ([True, False] * 2, "classification"),
    ],
)
def test_target_tells_the_task(tmp_path: Path, values: list[object], task: str) -> None:
    assert load_source(_save(FRAME.assign(kind=values), tmp_path / "a.csv"), target="kind").task == task


def test_several_targets_are_a_regression(tmp_path: Path) -> None:
    frame = FRAME.assign(weight=[1, 2, 3, 4], height=[0.1, 0.2, 0.3, 0.4])
    raw = load_source(_save(frame, tmp_path / "a.csv"), target="weight, height")
    assert raw.task == "regression"
    assert raw.targets == ("weight", "height")
    assert raw.y.tolist() == [[1, 0.1], [2, 0.2], [3, 0.3], [4, 0.4]]


def test_target_may_have_a_comma_in_its_name(tmp_path: Path) -> None:
    path = _save(FRAME.rename(columns={"kind": "kind, of"}), tmp_path / "a.csv")
    assert load_source(path, target="kind, of").targets == ("kind, of",)


def test_types_of_parquet(tmp_path: Path) -> None:
    frame = FRAME.assign(
        colour=FRAME["colour"].astype("category"), count=pd.array([1, 2, 3, 4], dtype="Int64")
    )
    raw = load_source(_save(frame, tmp_path / "a.parquet"), target="count")
    assert raw.text_columns == ("colour", "kind")
    assert raw.y.dtype == np.int64
    path = str(tmp_path / "a.parquet")
    assert load_source(path, target="wild").y.dtype == np.bool_
    assert load_source(path, target="count,length").y.dtype == np.float64


def test_row_numbers_written_by_pandas_are_left_out(tmp_path: Path) -> None:
    raw = load_source(_save(FRAME, tmp_path / "a.csv", index=True), target="kind")
    assert raw.columns == ("length", "colour", "wild")


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (None, r"a target must name the column to predict: its columns are length, colour, wild, kind"),
        ("knd", r"no column 'knd' to predict: did you mean kind\?"),
        ("zzz", r"no column 'zzz' to predict: its columns are length"),
        ("length,zzz", r"no column 'zzz'"),
        ("length,length", r"names a column twice"),
        ("length,kind", r"Several targets mean regression, but length, kind in .* are not all numbers"),
    ],
)
def test_targets_that_cannot_be_used(tmp_path: Path, target: str | None, message: str) -> None:
    path = _save(FRAME, tmp_path / "pets.csv")
    with pytest.raises(DataError, match=message):
        load_source(path, target=target)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            [1.0, None, 3.0, None],
            r"Column more in .*pets\.csv has 2 empty or NaN cells, the first in data row 2",
        ),
        (["a", None, "b", "a"], r"Column more in .* has 1 empty or NaN cells, the first in data row 2"),
        (["1", "2", "3a", "4"], r"mixes numbers and text, such as '3a' in data row 3"),
    ],
)
def test_cells_that_cannot_be_used(tmp_path: Path, values: list[object], message: str) -> None:
    path = _save(FRAME.assign(more=values), tmp_path / "pets.csv")
    with pytest.raises(DataError, match=message):
        load_source(path, target="kind")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            pd.date_range("2026-01-01", periods=4),
            r"Column more in .* holds Timestamp: wanted are numbers or text",
        ),
        ([[1], [2], [3], [4]], r"Column more in .* holds ndarray"),
        (["1", "2", "3", "4"], r"holds numbers stored as text"),
    ],
)
def test_types_that_cannot_be_used(tmp_path: Path, values: object, message: str) -> None:
    path = _save(FRAME.assign(more=values), tmp_path / "pets.parquet")
    with pytest.raises(DataError, match=message):
        load_source(path, target="kind")


def test_text_that_differs_in_every_row_is_refused(tmp_path: Path) -> None:
    frame = pd.DataFrame({"name": [f"n{i}" for i in range(300)], "kind": ["a", "b"] * 150})
    with pytest.raises(DataError, match=r"Column name in .* holds 300 different texts"):
        load_source(_save(frame, tmp_path / "a.csv"), target="kind")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", r"a\.csv cannot be read as a table: No columns"),
        ("a.csv", b"x,y\n1,2\n1,2,3,4\n", r"a\.csv cannot be read as a table"),
        ("a.csv", b"x,y\n\xff\xfe,2\n", r"a\.csv cannot be read as a table"),
        ("a.csv", b"x,y\n", r"a\.csv has no rows"),
        ("a.csv", b"y\n1\n", r"no column left to learn from"),
        ("a.csv.gz", b"no gzip", r"a\.csv\.gz cannot be read as a table"),
        ("a.parquet", b"no parquet", r"a\.parquet cannot be read as a table"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        load_source(str(tmp_path / name), target="y")
