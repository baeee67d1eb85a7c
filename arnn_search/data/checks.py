"""What data must fulfil before a search is worth its time."""

from collections.abc import Iterator

import numpy as np

from arnn_search.data.raw import Array, RawData
from arnn_search.errors import DataError

_LARGEST = np.float64(np.finfo(np.float32).max)
_ELEMENTS_PER_CHUNK = 1 << 20


def row_chunks(num_rows: int, row_size: int) -> Iterator[slice]:
    """Slices that cover all rows, few enough at a time that copies of them are small beside the data."""
    step = max(1, _ELEMENTS_PER_CHUNK // max(1, row_size))
    return (slice(start, min(start + step, num_rows)) for start in range(0, num_rows, step))


def check_inputs(raw: RawData, source: str) -> None:
    """Check the inputs of every part.

    Raises:
        DataError: A part is empty, has fewer or more labels than samples, differs in shape from the others,
            is not numeric, or holds NaN, infinite or too large values.
    """
    for suffix, x, y in raw.parts():
        name = f"x{suffix}"
        if x.ndim < 2 or 0 in x.shape[1:]:
            raise DataError(f"{name} of {source} has shape {x.shape}: wanted is (samples, ...) without a 0.")
        num_labels = len(y) if y.ndim else 0
        if len(x) != num_labels:
            raise DataError(
                f"{name} of {source} has {len(x)} samples and y{suffix} has {num_labels} labels: give one "
                "label per sample."
            )
        if not len(x):
            raise DataError(f"{name} of {source} is empty: give at least one sample.")
        if x.shape[1:] != raw.x.shape[1:]:
            raise DataError(
                f"Samples of {name} of {source} have shape {x.shape[1:]} and those of x have "
                f"{raw.x.shape[1:]}: give them one shape."
            )
        _check_numbers(x, name, raw, source)


def check_targets(raw: RawData, source: str) -> list[Array]:
    """The targets of every part of a regression, each `(samples, targets)`.

    Raises:
        DataError: Targets are not finite numbers, are constant, or differ in number between the parts.
    """
    checked: list[Array] = []
    for suffix, _, y in raw.parts():
        if y.dtype.kind not in "biuf":
            raise DataError(
                f"Targets of a regression must be numbers, and y{suffix} of {source} is {_received(y)}: give "
                "numbers, or the task classification."
            )
        if y.ndim > 2 or y.size == 0:
            raise DataError(f"y{suffix} of {source} has shape {y.shape}: wanted is (samples, targets).")
        values = y.reshape(len(y), -1).astype(np.float64)
        _check_none_bad(_unusable(values), f"y{suffix}", source)
        if checked and values.shape[1] != checked[0].shape[1]:
            raise DataError(
                f"y{suffix} of {source} has {values.shape[1]} targets and y has {checked[0].shape[1]}: give "
                "the same to all parts."
            )
        checked.append(values)
    for index in np.flatnonzero(np.ptp(checked[0], axis=0) == 0):
        name = raw.targets[index] if raw.targets else f"number {index}"
        raise DataError(
            f"The target {name} of {source} is {checked[0][0, index]:g} in every sample, so there is nothing "
            "to learn: choose another."
        )
    return checked


def _check_numbers(x: Array, name: str, raw: RawData, source: str) -> None:
    if x.dtype.kind == "O" and raw.text_columns:
        for index, column in enumerate(raw.columns):
            if column not in raw.text_columns:
                bad = _unusable(x[:, index : index + 1].astype(np.float64))
                _check_none_bad(bad, f"{name}, column {column},", source)
        return
    if x.dtype.kind not in "biuf":
        raise DataError(f"Inputs must be numbers, and {name} of {source} is {_received(x)}: encode them.")
    if x.dtype.kind != "f":
        return
    bad = np.concatenate([_unusable(x[rows]) for rows in row_chunks(len(x), x[0].size)])
    if bad.any() and raw.columns:
        column = raw.columns[int(_unusable(x[bad.argmax()][:, np.newaxis]).argmax())]
        _check_none_bad(bad, f"{name}, first of all column {column},", source)
    _check_none_bad(bad, name, source)


def _unusable(values: Array) -> Array:
    # NaN compares false, infinity compares greater.
    usable: Array = np.abs(values) <= _LARGEST
    return np.logical_not(usable.reshape(len(values), -1).all(axis=1))


def _check_none_bad(bad: Array, name: str, source: str) -> None:
    if bad.any():
        raise DataError(
            f"{name} of {source} is NaN, infinite or beyond float32 in {int(bad.sum())} samples, the first "
            f"at index {int(bad.argmax())}: correct them or leave them out."
        )


def _received(array: Array) -> str:
    kinds = {"U": "text", "S": "text", "O": "text or objects", "c": "complex", "M": "dates", "m": "durations"}
    return f"{kinds.get(array.dtype.kind, 'something else')} ({array.dtype})"
