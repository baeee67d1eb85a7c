import numpy as np
import pytest

from arnn_search.data import RawData
from arnn_search.data.labels import encode_labels
from arnn_search.data.raw import Array
from arnn_search.errors import DataError


def _raw(y: Array, y_test: Array | None = None, names: tuple[str, ...] = ()) -> RawData:
    x_test = None if y_test is None else np.zeros((len(y_test), 2))
    return RawData(np.zeros((len(y), 2)), y, "classification", names, x_test=x_test, y_test=y_test)


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (np.array([7, 3, 10]), ("3", "7", "10")),
        (np.array([1.0, 0.0, 2.0]), ("0", "1", "2")),
        (np.array([True, False]), ("False", "True")),
        (np.array(["dog", "cat"]), ("cat", "dog")),
        (np.array([b"dog", b"cat"]), ("cat", "dog")),
        (np.array(["dog", "cat"], dtype=object), ("cat", "dog")),
        (np.array([[4], [2]]), ("2", "4")),
    ],
)
def test_labels_of_any_type_become_class_numbers(labels: Array, names: tuple[str, ...]) -> None:
    y = np.concatenate([labels] * 3)
    (encoded,), found = encode_labels(_raw(y), "data")
    assert found == names
    assert encoded.dtype == np.int32
    expected = [names.index(_text(label)) for label in y.reshape(-1)]
    assert encoded.tolist() == expected


def _text(label: object) -> str:
    if isinstance(label, bytes):
        return label.decode()
    return str(int(label)) if isinstance(label, float) else str(label)


def test_all_parts_share_the_numbers() -> None:
    (train, test), names = encode_labels(_raw(np.array([5, 6, 7] * 3), np.array([7, 7])), "data")
    assert names == ("5", "6", "7")
    assert test.tolist() == [2, 2]
    assert train.tolist() == [0, 1, 2] * 3


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (_raw(np.zeros(9, int)), r"data has the single class '0'"),
        (_raw(np.array([0] * 5 + [1] * 2)), r"class '1' of data has 2 samples, and needs 3"),
        (_raw(np.array([0] * 5 + [1]), np.array([0])), r"class '1' of data has 1 samples, and needs 2"),
        (_raw(np.array([0, 1] * 3), names=("a", "b", "c")), r"class 'c' of data is empty"),
        (_raw(np.array([0, 1] * 3), np.array([2])), r"class '2' of data is empty, no training sample"),
        (_raw(np.array([0, 1, 2] * 3), names=("a", "b")), r"Labels of data reach 2, but there are 2 classes"),
        (_raw(np.array([0, 1] * 3), np.array(["a"])), r"text in one part and numbers in another"),
        (_raw(np.array([0.5, 1, 1])), r"holds fractions such as 0\.5"),
        (_raw(np.array([np.nan, 1, 1])), r"NaN or infinite labels"),
        (_raw(np.zeros((6, 2), int)), r"shape \(6, 2\): classes need one label per sample"),
        (_raw(np.zeros(6, "M8[s]")), r"has type datetime64\[s\]"),
    ],
)
def test_labels_that_are_no_classes(raw: RawData, message: str) -> None:
    with pytest.raises(DataError, match=message):
        encode_labels(raw, "data")
