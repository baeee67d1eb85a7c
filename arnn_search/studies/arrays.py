"""Arrays that a caller holds, made a data set like any other."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from arnn_search.errors import DataError


def as_data_file(data: Any, cache: Path) -> str:
    """The name or path of a data set, writing arrays to a file first.

    Args:
        data: a name, a path, or a pair of arrays `(x, y)` with one row per sample.
        cache: the folder for such a file; its name follows from the content.

    Raises:
        DataError: it is something else, or arrays of objects.
    """
    if isinstance(data, (str, Path)):
        return str(data)
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        raise DataError(
            "`data` must be the name of a data set, a path, or a pair of arrays (x, y). "
            f"Received: {type(data).__name__}."
        )
    x, y = (np.ascontiguousarray(array) for array in data)
    for name, array in (("x", x), ("y", y)):
        if array.dtype == object:
            raise DataError(f"The array {name} holds Python objects; give numbers, or strings for classes.")
    digest = sha256(x.tobytes() + y.tobytes() + repr((x.shape, y.shape, x.dtype, y.dtype)).encode())
    cache.mkdir(parents=True, exist_ok=True)
    path = cache / f"arrays-{digest.hexdigest()[:12]}.npz"
    if not path.is_file():
        np.savez_compressed(path, x=x, y=y)
    return str(path.resolve())
