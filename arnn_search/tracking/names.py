"""What MLflow takes as a name and as a value, and how ours are brought into that form.

MLflow takes letters, digits, `_ - . /` and spaces, at most 250 characters, and treats a name as a path
that must be in its shortest form.
"""

import functools
import hashlib
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

MAX_NAME_LENGTH = 250
MAX_PARAM_LENGTH = 6000
MAX_TAG_LENGTH = 8000
ELLIPSIS = "…"

_FORBIDDEN = re.compile(r"[^\w.\- /]")


@functools.lru_cache(maxsize=4096)
def valid_name(name: str) -> str:
    """The nearest name that MLflow takes; a valid one stays as it is.

    Example:
        >>> valid_name("units[0]")
        'units_0_'
    """
    parts = (part for part in _FORBIDDEN.sub("_", name).split("/") if part not in {"", ".", ".."})
    valid = "/".join(parts) or "_"
    if len(valid) > MAX_NAME_LENGTH:
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        valid = f"{valid[: MAX_NAME_LENGTH - 9]}_{digest}"
    return valid


def valid_names(names: Iterable[str]) -> dict[str, str]:
    """Map each name to a valid one; names that would fall together are numbered `_2`, `_3`, ...

    A name that is valid as it is always keeps it.
    """
    names = list(names)
    taken = {name for name in names if valid_name(name) == name}
    valid = {}
    for name in names:
        candidate = base = valid_name(name)
        number = 2
        while candidate in taken and candidate != name:
            suffix = f"_{number}"
            candidate = base[: MAX_NAME_LENGTH - len(suffix)] + suffix
            number += 1
        taken.add(candidate)
        valid[name] = candidate
    return valid


def cut(text: str, max_length: int) -> str:
    """Shorten a text to what MLflow keeps, and show that it was shortened.

    Half a surrogate pair, which no database takes, becomes a question mark.
    """
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= max_length else text[: max_length - len(ELLIPSIS)] + ELLIPSIS


def valid_texts(values: Mapping[str, Any], max_length: int) -> dict[str, str]:
    """Names and values as MLflow takes them for parameters and tags."""
    names = valid_names(values)
    return {names[name]: cut(str(value), max_length) for name, value in values.items()}


def split_metrics(metrics: Mapping[str, Any]) -> tuple[dict[str, float], dict[str, str]]:
    """Separate the points that MLflow can hold from those that it cannot.

    MLflow stores an infinity as 1.8e308, which ruins every chart and every comparison, so only finite
    numbers become points.

    Returns:
        The finite values, and for every other name what it was: `nan`, `inf`, `-inf`, or the text of a
        value that is no number.
    """
    finite: dict[str, float] = {}
    others: dict[str, str] = {}
    for name, value in metrics.items():
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            others[name] = cut(repr(value), 100)
            continue
        if math.isfinite(number):
            finite[name] = number
        else:
            others[name] = repr(number)
    return finite, others
