"""Dashboards: finding them, and rendering them as pages that need no network.

A dashboard is a file with a docstring and `render(study)`, which returns one Plotly figure or several.
"""

import base64
import gzip
import html
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from arnn_search.bundled import bundled_directory
from arnn_search.errors import ArnnSearchError
from arnn_search.tracking.study_view import StudyView

LOCAL_DIRECTORY = "dashboards"

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body {{ font-family: sans-serif; margin: 8px; }} p {{ color: #555; margin: 4px 12px; }}</style></head>
<body>{places}
<script>
(async () => {{
  const packed = Uint8Array.from(atob("{library}"), character => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(stream).text();
  document.head.append(script);
  const figures = {figures};
  figures.forEach((figure, index) =>
    Plotly.newPlot("figure-" + index, figure.data, figure.layout, {{responsive: true, displaylogo: false}}));
}})();
</script></body></html>
"""
_START = '''"""One line that says what this dashboard shows."""

import plotly.graph_objects as go


def render(study):
    # study.trials is a pandas table with a row for each trial: state, value, family, param.*, metric.*, ...
    # study.history(number, metric) gives a metric by epoch, study.layers(number) the gradients of a trial.
    figure = go.Figure(go.Scatter(x=study.completed.index, y=study.completed["value"], mode="markers"))
    figure.update_layout(title=f"{study.name}: {study.metric} by trial", template="plotly_white")
    return figure
'''


@dataclass(frozen=True)
class _Section:
    description: str
    figures: list[str]


class DashboardError(ArnnSearchError, ValueError):
    """A dashboard's file is broken; the message names it, and the line."""


def find_dashboards(directory: Path | None = None) -> dict[str, Path]:
    """The dashboards by name: those in `./dashboards`, and the built-in ones.

    Args:
        directory: the folder whose `dashboards/` counts as local; by default the current one.

    Raises:
        DashboardError: a name is defined twice; names both files.
    """
    local = (directory or Path.cwd()) / LOCAL_DIRECTORY
    built_in = bundled_directory("dashboards")
    folders = [built_in] if local.resolve() == built_in.resolve() else [local, built_in]
    found: dict[str, Path] = {}
    for path in (path for folder in folders for path in sorted(folder.glob("*.py"))):
        name = path.stem.replace("_", "-")
        if path.name.startswith("_"):
            continue
        if name in found:
            raise DashboardError(
                f"The dashboard {name!r} is defined twice: {found[name]} and {path}. Rename one of the files."
            )
        found[name] = path.resolve()
    return found


def write_start(name: str, *, directory: Path | None = None) -> Path:
    """Writes the start of a dashboard of one's own into `./dashboards`.

    Raises:
        DashboardError: the name is no file name, or is taken.
    """
    stem = name.replace("-", "_")
    if not stem.isidentifier():
        raise DashboardError(f"A dashboard's name has letters, digits and dashes only. Received: {name!r}.")
    if stem.replace("_", "-") in find_dashboards(directory):
        raise DashboardError(f"There is a dashboard called {name!r} already.")
    path = (directory or Path.cwd()) / LOCAL_DIRECTORY / f"{stem}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_START, encoding="utf-8")
    return path


def render_page(path: Path, study: StudyView) -> str:
    """Runs a dashboard's `render` and gives the page, with Plotly's library in it.

    Raises:
        DashboardError: the file raises, or has no `render` or docstring, or returns something else.
    """
    return _page(f"{study.name}: {path.stem}", [_render(path, study)])


def render_report(paths: Iterable[Path], study: StudyView) -> str:
    """All dashboards on one page; see `render_page`."""
    return _page(study.name, [_render(path, study) for path in paths])


def _render(path: Path, study: StudyView) -> _Section:
    try:
        module = _load(path)
        figures = module.render(study)
        figures = list(figures) if isinstance(figures, (list, tuple)) else [figures]
        return _Section(str(module.__doc__).strip(), [figure.to_json() for figure in figures])
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename == str(path)]
        where = f"{path}, line {lines[-1]}" if lines else str(path)
        raise DashboardError(f"{where}: {type(error).__name__}: {error}") from error


def _load(path: Path) -> Any:
    spec = spec_from_file_location(f"arnn_search_dashboard_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    if not module.__doc__:
        raise DashboardError("a dashboard starts with a docstring that says what it shows")
    return module


def _page(title: str, sections: Sequence[_Section]) -> str:
    from plotly.offline import get_plotlyjs

    places: list[str] = []
    figures: list[str] = []
    for section in sections:
        places.append(f"<p>{html.escape(section.description)}</p>")
        for figure in section.figures:
            places.append(f'<div id="figure-{len(figures)}"></div>')
            figures.append(figure)
    return _PAGE.format(
        title=html.escape(title),
        places="".join(places),
        library=base64.b64encode(gzip.compress(get_plotlyjs().encode(), mtime=0)).decode(),
        # A text in a figure must not end the script.
        figures="[" + ",".join(figures).replace("</", "<\\/") + "]",
    )
