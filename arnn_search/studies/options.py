"""Options of a sampler or a pruner, as one line of text: `multivariate=false,n_startup_trials=20`."""

import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any

from arnn_search.errors import ConfigurationError, UnknownNameError

Options = Mapping[str, bool | int | float | str | None]


def parse_options(key: str, text: str) -> Options:
    """Reads `name=value` pairs, separated by commas.

    Values are JSON (`true`, `3`, `0.5`, `null`), or else text.

    Args:
        key: of the configuration, for the message.
        text: the pairs; empty for none.

    Raises:
        ConfigurationError: something is no pair, or a name is there twice.
    """
    options: dict[str, bool | int | float | str | None] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = (part.strip() for part in pair.partition("="))
        if not equals or not name.isidentifier() or name in options:
            raise ConfigurationError(
                f"`{key}` must be name=value pairs, separated by commas, each name once. Received: {text!r}."
            )
        options[name] = _value(value)
    return options


def check_options(key: str, options: Options, make: Callable[..., Any], *, own: frozenset[str]) -> None:
    """Refuses options that a class does not take.

    Args:
        key: of the configuration, for the message.
        options: the options.
        make: the class.
        own: names that are given by the study, and not to be chosen.

    Raises:
        UnknownNameError: lists the nearest names that it takes.
    """
    known = [name for name in inspect.signature(make).parameters if name not in own]
    for name in options:
        if name not in known:
            raise UnknownNameError(f"option of {key}", name, known)


def _value(text: str) -> bool | int | float | str | None:
    try:
        value = json.loads(text.lower() if text.lower() in ("true", "false", "none", "null") else text)
    except ValueError:
        return None if text.lower() == "none" else text
    return value if isinstance(value, (bool, int, float, str)) or value is None else text
