"""Sizes of memory as they are given: `4GB`, `512MB`, `1.5GiB`."""

from pydantic import ByteSize, TypeAdapter, ValidationError

_SIZE = TypeAdapter(ByteSize)
_LEAST = 1_000_000


def num_bytes(text: str) -> int:
    """The bytes that a size stands for; GB is 1000³, GiB 1024³.

    Raises:
        ValueError: it is no size, or one below 1 MB, which is a number whose unit was forgotten.
    """
    try:
        size = int(_SIZE.validate_python(text.strip()))
    except ValidationError:
        size = 0
    if size < _LEAST:
        raise ValueError("must be a size such as 4GB, 512MB or 1.5GiB")
    return size
