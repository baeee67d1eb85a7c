import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from arnn_search.data.idx import read_idx
from arnn_search.errors import DataError


def _write(path: Path, content: bytes) -> Path:
    path.write_bytes(gzip.compress(content))
    return path


def test_reads_the_shape_and_the_values(tmp_path: Path) -> None:
    header = bytes([0, 0, 8, 2]) + (2).to_bytes(4, "big") + (3).to_bytes(4, "big")
    path = _write(tmp_path / "values.gz", header + bytes(range(6)))
    np.testing.assert_array_equal(read_idx(path), [[0, 1, 2], [3, 4, 5]])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an IDX file"),
        (b"\0\0\x0d\x01" + bytes(8), "not an IDX file"),
        (b"\0\0\x08\x02\0\0\0\x01", "not an IDX file"),
        (b"\0\0\x08\x01\0\0\0\x05ab", r"promises \(5,\) values and holds 2"),
    ],
)
def test_other_content_is_refused_by_name(tmp_path: Path, content: bytes, message: str) -> None:
    path = _write(tmp_path / "wrong.gz", content)
    with pytest.raises(DataError, match=rf"wrong\.gz.*{message}"):
        read_idx(path)


@pytest.mark.parametrize("damage", [lambda content: content[:-9], lambda content: b"no gzip"])
def test_damaged_compression_is_refused_by_name(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "damaged.gz"
    path.write_bytes(damage(gzip.compress(b"\0\0\x08\x01" + bytes(1000))))
    with pytest.raises(DataError, match=r"damaged\.gz is no gzipped IDX file"):
        read_idx(path)
