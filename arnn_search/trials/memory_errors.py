"""Which exceptions say that there was no memory left, and how much was asked for."""

import re

_NAMES = frozenset({"ResourceExhaustedError", "OutOfMemoryError"})
"""Of TensorFlow's and torch's own exceptions; JAX and torch's CPU allocator raise RuntimeErrors."""
_WORDS = re.compile(
    r"RESOURCE_EXHAUSTED|CUDA_ERROR_OUT_OF_MEMORY|CUDA out of memory|OOM when allocating"
    r"|CUDA error: out of memory|CU(?:BLAS|DNN)_STATUS_ALLOC_FAILED"
    r"|can't allocate memory|Cannot allocate memory|std::bad_alloc"
)
_LOOKED_AT = 4000
_ASKED_FOR = re.compile(
    r"(?:allocate|allocating)\s+(?P<number>\d+(?:\.\d*)?)\s*(?P<unit>bytes|[KMGTPE]?i?B)\b", re.IGNORECASE
)
_SHAPE = re.compile(r"allocating tensor with shape\[(?P<shape>[\d,]*)\] and type (?P<type>\w+)")
_BYTES = {"half": 2, "bfloat16": 2, "double": 8, "int64": 8, "bool": 1, "int8": 1, "uint8": 1, "complex64": 8}
_FACTORS = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50, "e": 1 << 60}


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether an exception, or one that it was raised from, says that memory ran out.

    Python's and NumPy's `MemoryError`, and what each backend raises on a CPU or a GPU.
    """
    while error is not None:
        if isinstance(error, MemoryError) or type(error).__name__ in _NAMES:
            return True
        is_systems = isinstance(error, (RuntimeError, OSError)) or type(error).__name__ == "InternalError"
        if is_systems and _WORDS.search(str(error)[:_LOOKED_AT]):
            return True
        error = error.__cause__ or error.__context__
    return False


def requested_bytes(text: str) -> int | None:
    """How many bytes an allocation that failed was for, read from the words of the error; None if unknown.

    TensorFlow names the shape, JAX and torch's CPU allocator the bytes, NumPy and CUDA a rounded size.
    """
    if found := _SHAPE.search(text):
        size = 1
        for dimension in filter(None, found["shape"].split(",")):
            size *= int(dimension)
        return size * _BYTES.get(found["type"], 4)
    if found := _ASKED_FOR.search(text):
        unit = found["unit"].lower()
        factor = _FACTORS.get(unit[0], 1)
        return int(float(found["number"]) * factor)
    return None
