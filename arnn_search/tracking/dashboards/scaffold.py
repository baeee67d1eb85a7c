"""Starting a new dashboard from a commented one."""

import re
from pathlib import Path

from arnn_search.errors import DashboardError
from arnn_search.tracking.dashboards.discovery import DASHBOARDS

_START = Path(__file__).with_name("start.py")


def write_new_dashboard(name: str, directory: Path) -> Path:
    """Writes `./dashboards/<name>.py`.

    Args:
        name: letters, digits, `-` and `_`, starting with a letter.
        directory: the folder that gets or has `dashboards/`.

    Returns:
        The file that was written.

    Raises:
        DashboardError: the name cannot be used, or is taken.
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name):
        raise DashboardError(f"A dashboard's name has letters, digits, '-' and '_' only. Received: {name!r}.")
    path = directory / DASHBOARDS.folder / f"{name.replace('-', '_')}.py"
    wanted = name.replace("_", "-")
    taken = DASHBOARDS.places(directory)
    if path.exists() or wanted in taken:
        there = taken[wanted][0] if wanted in taken else path
        raise DashboardError(f"There is a dashboard {wanted!r} already: {there}.")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_START.read_text(encoding="utf-8"), encoding="utf-8")
    return path
