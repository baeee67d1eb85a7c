"""arnn-search: architecture search for Keras with auto-rotating layers, followed by gradient health.

The names below load what they need on first use, so that importing the package (and starting its command)
stays light.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from arnn_search import data as data
    from arnn_search import layers as layers
    from arnn_search.layers import describe as describe
    from arnn_search.layers import fold as fold
    from arnn_search.spaces import blocks as blocks
    from arnn_search.spaces import load_space as load_space
    from arnn_search.studies import Study as Study
    from arnn_search.studies import search as search

__version__ = "0.1.0"

_MODULES = {
    "blocks": "arnn_search.spaces.blocks",
    "data": "arnn_search.data",
    "layers": "arnn_search.layers",
}
_HOMES = {
    "describe": "arnn_search.layers",
    "fold": "arnn_search.layers",
    "load_space": "arnn_search.spaces",
    "Study": "arnn_search.studies",
    "search": "arnn_search.studies",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(_MODULES[name])
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'arnn_search' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_MODULES, *_HOMES])
