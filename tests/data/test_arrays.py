from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from arnn_search.data import load_source
from arnn_search.errors import DataError

Save = Callable[..., str]


def test_x_and_y(save_npz: Save) -> None:
    raw = load_source(save_npz(x=np.zeros((6, 4)), y=np.arange(6)))
    assert raw.x.shape == (6, 4)
    assert raw.task == "classification"
    assert raw.x_validation is raw.x_test is None


def test_parts_of_its_own(save_npz: Save) -> None:
    raw = load_source(
        save_npz(
            x_train=np.zeros((6, 4)),
            y_train=np.zeros(6),
            x_val=np.zeros((2, 4)),
            y_val=np.zeros(2),
            x_test=np.zeros((3, 4)),
            y_test=np.zeros(3),
        )
    )
    assert [(suffix, len(x), len(y)) for suffix, x, y in raw.parts()] == [
        ("", 6, 6), ("_validation", 2, 2), ("_test", 3, 3),
    ]  # fmt: skip
    assert raw.task == "regression"


def test_task_can_be_chosen(save_npz: Save) -> None:
    assert load_source(save_npz(x=np.zeros((6, 4)), y=np.arange(6)), task="regression").task == "regression"


def test_bytes_without_channels_are_grey_images(save_npz: Save) -> None:
    y = np.arange(6) % 2
    assert load_source(save_npz(x=np.zeros((6, 5, 4), np.uint8), y=y)).x.shape == (6, 5, 4, 1)
    assert load_source(save_npz(x=np.zeros((6, 5, 4), np.float32), y=y)).x.shape == (6, 5, 4)


def test_flat_inputs_become_one_feature(save_npz: Save) -> None:
    assert load_source(save_npz(x=np.zeros(6), y=np.arange(6))).x.shape == (6, 1)


def test_pickle_inside_is_named_and_never_opened(save_npz: Save, tmp_path: Path) -> None:
    marker = tmp_path / "opened"
    path = save_npz(x=np.zeros((3, 2)), y=np.array([_Opened(marker)] * 3, dtype=object))
    with pytest.raises(DataError, match=r"array y in .*arrays\.npz is a pickle"):
        load_source(path)
    assert not marker.exists()


class _Opened:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.marker,)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["y"], r"lacks x: it holds y; wanted are x and y, or x_train"),
        (["x"], r"lacks y: it holds x"),
        (["X", "Y"], r"lacks x and y: it holds X, Y"),
        (["x_train", "y_train", "x_test"], r"lacks y_test"),
        ([], r"lacks x and y: it holds nothing"),
    ],
)
def test_missing_arrays_are_named(save_npz: Save, names: list[str], message: str) -> None:
    path = save_npz(**{name: np.zeros((3, 2)) for name in names})
    with pytest.raises(DataError, match=message):
        load_source(path)


def test_one_hot_labels_are_recognised(save_npz: Save) -> None:
    path = save_npz(x=np.zeros((4, 2)), y=np.eye(4))
    with pytest.raises(DataError, match=r"look one-hot, with shape \(4, 4\): store y\.argmax"):
        load_source(path)
    assert load_source(path, task="regression").task == "regression"


@pytest.mark.parametrize("content", [b"", b"plain text", b"PK\x03\x04 cut off", b"\x80\x04]\x94."])
def test_other_files_are_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "wrong.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"wrong\.npz is no \.npz file of arrays"):
        load_source(str(path))


def test_single_array_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "single.npz"
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(DataError, match=r"single\.npz holds one array without a name"):
        load_source(str(path))


def test_damaged_array_is_named(save_npz: Save) -> None:
    path = Path(save_npz(x=np.zeros((300, 2)), y=np.zeros(300)))
    content = bytearray(path.read_bytes())
    content[1000] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"array x in .* is damaged"):
        load_source(str(path))
