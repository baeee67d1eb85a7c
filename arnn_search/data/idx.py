"""IDX, the file format of MNIST and its relatives."""

import gzip
import zlib
from pathlib import Path

import numpy as np

from arnn_search.data.raw import Array
from arnn_search.errors import DataError

_UNSIGNED_BYTES = 0x08


def read_idx(path: Path) -> Array:
    """Read a gzipped IDX file of unsigned bytes, the format of MNIST and its relatives.

    Raises:
        DataError: The file is damaged, or holds another type.
    """
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} is no gzipped IDX file ({error}): install it again.") from error
    num_dimensions = content[3] if content[:3] == bytes([0, 0, _UNSIGNED_BYTES]) and len(content) > 3 else 0
    start = 4 + 4 * num_dimensions
    if not num_dimensions or len(content) < start:
        raise DataError(f"{path} is not an IDX file of unsigned bytes: install it again.")
    shape = tuple(int(length) for length in np.frombuffer(content, ">u4", num_dimensions, 4))
    values = np.frombuffer(content, np.uint8, offset=start)
    if values.size != int(np.prod(shape)):
        raise DataError(f"{path} promises {shape} values and holds {values.size}: install it again.")
    return values.reshape(shape)
