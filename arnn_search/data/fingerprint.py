"""Hashes that tell whether data changed."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from arnn_search.data.raw import Array, RawData


def hash_files(paths: Iterable[Path], root: Path) -> str:
    """SHA-256 of the files' places below `root` and of their content.

    Content, not the time of the last change: a copy, a checkout or a `touch` is the same data, and an edit
    within the clock's resolution is not.
    """
    total = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        total.update(f"{path.relative_to(root).as_posix()}\0{content}\n".encode())
    return total.hexdigest()


def hash_content(raw: RawData, options: Mapping[str, Any]) -> str:
    """SHA-256 of the raw arrays, of their names, and of the options they are prepared with."""
    total = hashlib.sha256()
    names = [raw.task, raw.class_names, raw.columns, raw.text_columns, raw.targets]
    total.update(json.dumps([names, options], sort_keys=True).encode())
    for suffix, x, y in raw.parts():
        for name, array in ((f"x{suffix}", x), (f"y{suffix}", y)):
            total.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
            total.update(_bytes(array))
    return total.hexdigest()


def _bytes(array: Array) -> bytes | memoryview:
    if array.dtype.kind == "O":
        return json.dumps(array.tolist(), default=str).encode()
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
