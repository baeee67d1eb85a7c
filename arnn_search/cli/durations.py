"""Lengths of time as people write them."""

import math
import re

from arnn_search.errors import ConfigurationError

_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_duration(flag: str, text: str) -> float:
    """Seconds of `90`, `90s`, `20m`, `1.5h`, `2d`.

    Args:
        flag: what it was given as, for the message.
        text: a positive number, and a unit or none for seconds.

    Raises:
        ConfigurationError: it is no such text.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([smhd]?)\s*", text)
    seconds = float(found[1]) * _SECONDS[found[2]] if found else 0.0
    if not 0.0 < seconds < math.inf:
        raise ConfigurationError(
            f"{flag} must be a positive time such as 90s, 20m or 1.5h. Received: {text!r}."
        )
    return seconds
