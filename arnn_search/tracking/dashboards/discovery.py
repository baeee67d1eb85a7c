"""Finding dashboards: `./dashboards/*.py`, the built-in ones, and installed entry points."""

import importlib.util
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from arnn_search.errors import ArnnSearchError, DashboardError
from arnn_search.plugin_files import PluginFile, PluginKind

DASHBOARDS = PluginKind(
    noun="dashboard",
    folder="dashboards",
    function="render(study)",
    error=DashboardError,
    hint="`arnn-search dashboard new NAME` starts one.",
)

FIRST = "overview"
_ORDER = (FIRST, "gradient-health", "families", "limits", "parameters", "pareto", "failures")
"""As somebody asks who comes back: what won, whether it is healthy, what made it so, what failed."""


def find_dashboard(name_or_path: str, *, directory: Path | None = None) -> PluginFile:
    """Finds one dashboard.

    Args:
        name_or_path: a path that ends in `.py`, or the name of a dashboard.
        directory: the folder whose `dashboards/` counts as local; by default the current one.

    Raises:
        UnknownNameError: there is no such name; lists the nearest names.
        DashboardError: the file is missing, is no valid Python, or lacks `render` or a docstring.
    """
    return DASHBOARDS.find(name_or_path, directory=directory)


def find_dashboards(directory: Path | None = None) -> list[PluginFile | ArnnSearchError]:
    """Every dashboard that can be found by name, built-in ones first; an error stands for an unusable one.

    Raises:
        DashboardError: a name is defined twice; names both places.
    """
    found = DASHBOARDS.find_all(directory)
    return sorted(found, key=_place)


def _place(found: PluginFile | ArnnSearchError) -> int:
    if isinstance(found, PluginFile) and found.name in _ORDER:
        return _ORDER.index(found.name)
    return len(_ORDER)


def load_dashboard(dashboard: PluginFile) -> Callable[[Any], Any]:
    """Runs a dashboard's file under a private module name.

    Returns:
        Its function `render`.

    Raises:
        DashboardError: the file raised an exception; names the file and the line.
    """
    name = f"_arnn_search_dashboard_{sha256(str(dashboard.path).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, dashboard.path)
    if spec is None or spec.loader is None:
        raise DashboardError(f"{dashboard.path}: Python cannot load this file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise DashboardError(described(error, dashboard.path)) from error
    render: Callable[[Any], Any] = module.render
    return render


def described(error: Exception, path: Path) -> str:
    """An exception in one line, with the file and the line of the dashboard that it came from."""
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    where = f"{path}, line {line}" if line else str(path)
    # Plotly explains a wrong property over hundreds of lines.
    message = str(error).strip().partition("\n")[0][:300]
    return f"{where}: {type(error).__name__}: {message}"
