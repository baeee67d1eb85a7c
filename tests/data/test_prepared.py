from pathlib import Path

import numpy as np
import pytest

from arnn_search.data import open_prepared, prepare
from arnn_search.errors import DataError


def test_arrays_are_read_only_memory_maps_of_the_right_type(cache: Path) -> None:
    prepared = prepare("wine", cache_directory=cache)
    for x, y in (prepared.train(), prepared.validation(), prepared.test()):
        assert isinstance(x, np.memmap)
        assert isinstance(y, np.memmap)
        assert (x.dtype, y.dtype) == (np.float32, np.int32)
        assert not x.flags.writeable
    x, y = prepare("diabetes", cache_directory=cache).train()
    assert (x.dtype, y.dtype) == (np.float32, np.float32)
    assert y.shape == (len(x), 1)


def test_opened_again_it_is_the_same(cache: Path) -> None:
    prepared = prepare("wine", cache_directory=cache)
    assert open_prepared(str(prepared.directory)) == prepared


def test_directory_without_prepared_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no prepared data"):
        open_prepared(tmp_path)
    (tmp_path / "spec.json").write_text("{}")
    with pytest.raises(DataError, match="holds no prepared data"):
        open_prepared(tmp_path)


@pytest.mark.parametrize("name", ["x_train.npy", "y_test.npy"])
def test_cut_off_array_is_named(cache: Path, name: str) -> None:
    path = prepare("wine", cache_directory=cache).directory / name
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(DataError, match=f"{name} is damaged"):
        open_prepared(path.parent)


def test_array_of_another_length_is_noticed(cache: Path) -> None:
    directory = prepare("wine", cache_directory=cache).directory
    np.save(directory / "y_validation.npy", np.zeros(3, np.int32))
    with pytest.raises(DataError, match=r"validation part in .* does not fit its description"):
        open_prepared(directory)
