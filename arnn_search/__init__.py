"""arnn-search: architecture search for Keras with auto-rotating layers, followed by gradient health.

The names below load what they need on first use, so that importing the package (and starting its command)
stays light.
"""

from typing import TYPE_CHECKING

from arnn_search.lazy import lazy_names
from arnn_search.registration import register_layers

if TYPE_CHECKING:
    from arnn_search import data as data
    from arnn_search import layers as layers
    from arnn_search import testing as testing
    from arnn_search.layers import describe as describe
    from arnn_search.layers import fold as fold
    from arnn_search.spaces import blocks as blocks
    from arnn_search.spaces import load_space as load_space
    from arnn_search.studies.search import search as search
    from arnn_search.studies.study import Study as Study

__version__ = "0.1.0"

__getattr__ = lazy_names(
    __name__,
    {
        "blocks": "arnn_search.spaces.blocks",
        "data": "arnn_search.data",
        "describe": "arnn_search.layers:describe",
        "fold": "arnn_search.layers:fold",
        "layers": "arnn_search.layers",
        "load_space": "arnn_search.spaces:load_space",
        "search": "arnn_search.studies.search:search",
        "Study": "arnn_search.studies.study:Study",
        "testing": "arnn_search.testing",
    },
)

register_layers()
