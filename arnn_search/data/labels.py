"""Labels of any type to class numbers."""

import numpy as np

from arnn_search.data.raw import Array, RawData
from arnn_search.errors import DataError


def encode_labels(raw: RawData, source: str) -> tuple[list[Array], tuple[str, ...]]:
    """Number the classes 0, 1, ... in the order of their labels.

    Args:
        raw: Data for classification; `check_inputs` has passed.
        source: Its name, for messages.

    Returns:
        The class numbers of every part of `raw.parts()`, int32 `(samples,)`, and the classes' names.

    Raises:
        DataError: Labels are not one per sample or no labels at all, there is only one class, or a class is
            empty, or has too few samples for a training, a validation and a test part.
    """
    labels = [_plain_labels(y, f"y{suffix}", source) for suffix, _, y in raw.parts()]
    if raw.class_names:
        names = raw.class_names
        outside = [values for values in labels if values.min() < 0 or values.max() >= len(names)]
        if outside:
            raise DataError(
                f"Labels of {source} reach {outside[0].max()}, but there are {len(names)} classes."
            )
        encoded = labels
    else:
        if len({values.dtype.kind in "US" for values in labels}) > 1:
            raise DataError(f"Labels of {source} are text in one part and numbers in another: give one type.")
        values = np.unique(np.concatenate(labels))
        names = tuple(str(value) for value in values.tolist())
        encoded = [np.searchsorted(values, part) for part in labels]
    _check_classes(encoded[0], names, len(labels), source)
    return [part.astype(np.int32) for part in encoded], names


def _plain_labels(y: Array, name: str, source: str) -> Array:
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        raise DataError(f"{name} of {source} has shape {y.shape}: classes need one label per sample.")
    if y.dtype.kind == "f":
        if not np.isfinite(y).all():
            raise DataError(f"{name} of {source} holds NaN or infinite labels: correct or leave them out.")
        if not (y == np.round(y)).all():
            fraction = y[y != np.round(y)][0]
            raise DataError(
                f"{name} of {source} holds fractions such as {fraction:g}, which are no classes: give whole "
                "numbers or text, or the task regression."
            )
        return y.astype(np.int64)
    if y.dtype.kind == "S":
        return np.char.decode(y, "utf-8")
    if y.dtype.kind == "O":
        return np.array([str(value) for value in y])
    if y.dtype.kind in "biuU":
        return y
    raise DataError(f"{name} of {source} has type {y.dtype}: labels are whole numbers, text or truth values.")


def _check_classes(encoded: Array, names: tuple[str, ...], num_own_parts: int, source: str) -> None:
    if len(names) < 2:
        raise DataError(f"{source} has the single class {names[0]!r}: classification needs two or more.")
    counts = np.bincount(encoded, minlength=len(names))
    least = int(counts.argmin())
    if not counts[least]:
        raise DataError(
            f"The class {names[least]!r} of {source} is empty, no training sample has it: add some."
        )
    # A part that the source brings along need not be split off.
    needed = 4 - num_own_parts
    if counts[least] < needed:
        raise DataError(
            f"The class {names[least]!r} of {source} has {counts[least]} samples, and needs {needed} to have "
            "one in each part: add some or leave the class out."
        )
