from pathlib import Path

import numpy as np
import pytest

from arnn_search.data import load_source
from arnn_search.data.fingerprint import hash_files
from arnn_search.data.sources import fingerprint_source, source_name
from arnn_search.errors import DataError, UnknownNameError


def test_unknown_name_lists_the_nearest_ones() -> None:
    expected = r"Unknown data set 'digts'\. Did you mean digits, pen-digits or diabetes\? A path works"
    with pytest.raises(UnknownNameError, match=expected):
        load_source("digts")


@pytest.mark.parametrize("source", ["missing.npz", "some/where", "./digits", "~/nowhere-at-all"])
def test_missing_path_is_named(source: str) -> None:
    with pytest.raises(DataError, match=f"There is no file or folder {source}"):
        load_source(source)


def test_other_kinds_of_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "data.xlsx").touch()
    with pytest.raises(DataError, match=r"data\.xlsx is of no known kind: give a \.npz file"):
        load_source(str(tmp_path / "data.xlsx"))


def test_unknown_task() -> None:
    with pytest.raises(UnknownNameError, match=r"Unknown task 'regresion'\. Did you mean regression"):
        load_source("diabetes", task="regresion")


def test_task_that_the_source_does_not_have() -> None:
    with pytest.raises(DataError, match="digits is a classification data set, not one for 'regression'"):
        load_source("digits", task="regression")


def test_target_for_what_is_no_table() -> None:
    with pytest.raises(DataError, match="digits brings its own labels"):
        load_source("digits", target="x")


def test_name_wins_over_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()
    assert len(load_source("digits").x) == 1797
    with pytest.raises(DataError, match="no subfolders"):
        load_source("./digits")


def test_names_come_from_the_file_or_the_folder(tmp_path: Path) -> None:
    for name in ("a.b.npz", "c.csv.gz"):
        (tmp_path / name).touch()
    (tmp_path / "v1.2").mkdir()
    assert source_name("digits") == "digits"
    assert source_name(str(tmp_path / "a.b.npz")) == "a.b"
    assert source_name(str(tmp_path / "c.csv.gz")) == "c"
    assert source_name(str(tmp_path / "v1.2")) == "v1.2"


def test_fingerprint_follows_the_content_and_not_the_clock(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    np.savez(path, x=np.zeros(3))
    before = fingerprint_source(str(path))
    path.touch()
    assert fingerprint_source(str(path)) == before
    np.savez(path, x=np.ones(3))
    assert fingerprint_source(str(path)) != before


def test_fingerprint_follows_the_names_of_files(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("same")
    (tmp_path / "b").write_text("same")
    assert hash_files([tmp_path / "a"], tmp_path) != hash_files([tmp_path / "b"], tmp_path)
