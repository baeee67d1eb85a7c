"""Search spaces: files that build Keras models, how they are found and loaded, and blocks to build with."""

from arnn_search.spaces.discovery import SpaceFile, find_space, find_spaces
from arnn_search.spaces.parameters import Parameter, Value
from arnn_search.spaces.space import SearchSpace, load_space

__all__ = ["Parameter", "SearchSpace", "SpaceFile", "Value", "find_space", "find_spaces", "load_space"]
