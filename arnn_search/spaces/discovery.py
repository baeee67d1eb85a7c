"""Finding search spaces: a path, `./search_spaces/*.py`, the built-in ones, and installed entry points."""

from pathlib import Path

from arnn_search.errors import SpaceError
from arnn_search.plugin_files import PluginFile, PluginKind

SpaceFile = PluginFile
"""A search space as it is declared, not yet loaded."""

SPACES = PluginKind(
    noun="search space",
    folder="search_spaces",
    function="build(hp, data)",
    error=SpaceError,
    hint="See `arnn-search spaces list`, or give a .py file.",
)

LOCAL_DIRECTORY = SPACES.folder
ENTRY_POINT_GROUP = SPACES.entry_point_group


def find_space(name_or_path: str, *, directory: Path | None = None) -> SpaceFile:
    """Finds one search space.

    Args:
        name_or_path: a path that ends in `.py`, or the name of a space.
        directory: the folder whose `search_spaces/` counts as local; by default the current one.

    Raises:
        UnknownNameError: there is no such name or file; lists the nearest names.
        SpaceError: the file cannot be read, is no valid Python, or lacks `build` or a docstring.
    """
    return SPACES.find(name_or_path, directory=directory)


def find_spaces(directory: Path | None = None) -> list[SpaceFile | SpaceError]:
    """Every space that can be found by name, in order of the names; an error stands for an unusable one."""
    return [
        SpaceError(str(found)) if isinstance(found, Exception) else found
        for found in SPACES.find_all(directory)
    ]


def read_space_file(path: Path, *, origin: str) -> SpaceFile:
    """Reads the declaration of a file without running it.

    Raises:
        SpaceError: with the file and the line of what is wrong.
    """
    return SPACES.read(path, origin=origin)
