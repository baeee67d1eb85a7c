"""Data sets by name, files and folders: loaded, checked, split, scaled, and described to search spaces.

`prepare` turns a source into `PreparedData`, arrays on disk that every trial maps into its memory, and a
`DataSpec`, which is all that a search space needs to know of them. Importing this room loads NumPy and
nothing heavier; scikit-learn, pandas and Pillow load when a source needs them, and TensorFlow never does.
"""

from arnn_search.data.named import SourceDescription
from arnn_search.data.prepare import prepare
from arnn_search.data.prepared import PreparedData, open_prepared
from arnn_search.data.raw import RawData
from arnn_search.data.scaling import apply_scaling, restore_targets
from arnn_search.data.sources import available_sources, load_source
from arnn_search.data.spec import DataSpec

__all__ = [
    "DataSpec",
    "PreparedData",
    "RawData",
    "SourceDescription",
    "apply_scaling",
    "available_sources",
    "load_source",
    "open_prepared",
    "prepare",
    "restore_targets",
]
