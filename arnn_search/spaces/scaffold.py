"""Starting a new search space from a commented one."""

import re
from pathlib import Path

from arnn_search.errors import SpaceError
from arnn_search.spaces.discovery import LOCAL_DIRECTORY, find_spaces

_START = Path(__file__).with_name("start.py")


def write_new_space(name: str, directory: Path) -> Path:
    """Writes `./search_spaces/<name>.py`.

    Args:
        name: letters, digits, `-` and `_`, starting with a letter.
        directory: the folder that gets or has `search_spaces/`.

    Returns:
        The file that was written.

    Raises:
        SpaceError: the name cannot be used, or is taken.
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name):
        raise SpaceError(f"A space's name has letters, digits, '-' and '_' only. Received: {name!r}.")
    path = directory / LOCAL_DIRECTORY / f"{name.replace('-', '_')}.py"
    taken = {space.name: space.path for space in find_spaces(directory) if not isinstance(space, SpaceError)}
    wanted = name.replace("_", "-")
    if path.exists() or wanted in taken:
        raise SpaceError(f"There is a search space {wanted!r} already: {taken.get(wanted, path)}.")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_START.read_text())
    return path
