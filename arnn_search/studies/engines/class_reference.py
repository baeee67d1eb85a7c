"""A class of the user's own, named `module:Class`."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from arnn_search.errors import ConfigurationError


def find_class(kind: str, reference: str, base: type) -> Any:
    """Imports a class; modules are looked for where Python looks, and in the current folder.

    Args:
        kind: what it is to be, for the message.
        reference: `"module:Class"`.
        base: what it must inherit from.

    Raises:
        ConfigurationError: it cannot be imported, or is something else.
    """
    module_name, _, name = reference.partition(":")
    here = str(Path.cwd())
    sys.path.append(here)
    try:
        found = getattr(import_module(module_name), name)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"The {kind} {reference!r} cannot be imported: {error}.") from error
    finally:
        sys.path.remove(here)
    if not (isinstance(found, type) and issubclass(found, base)):
        raise ConfigurationError(
            f"The {kind} {reference!r} must be a class that inherits from {base.__module__.split('.')[0]}'s "
            f"{base.__name__}. Received: {found!r}."
        )
    return found
