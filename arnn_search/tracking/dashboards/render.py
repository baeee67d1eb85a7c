"""From dashboards and a study's tables to figures; one that is broken costs nobody else's."""

from pathlib import Path
from typing import Any

from arnn_search.errors import ArnnSearchError, DashboardError
from arnn_search.plugin_files import PluginFile
from arnn_search.tracking.dashboards.discovery import described, find_dashboards, load_dashboard
from arnn_search.tracking.dashboards.page import Section
from arnn_search.tracking.study_view import StudyView


def render_all(view: StudyView, directory: Path | None = None) -> tuple[list[Section], list[str]]:
    """Render every dashboard that is found.

    Args:
        view: the study.
        directory: the folder whose `dashboards/` counts as local; by default the current one.

    Returns:
        A section for each dashboard, the overview first, a broken one with the reason in it; and a warning
        for each dashboard that is broken.
    """
    try:
        found = find_dashboards(directory)
    except DashboardError as error:
        # A name that is defined twice: the built-in ones are still worth having.
        nowhere = Path(__file__).parent
        found = [error, *find_dashboards(nowhere)]
    sections, warnings = [], []
    for dashboard in found:
        if isinstance(dashboard, ArnnSearchError):
            warnings.append(str(dashboard))
            continue
        section = render_one(dashboard, view)
        sections.append(section)
        if section.warning:
            warnings.append(section.warning)
    return sections, warnings


def render_one(dashboard: PluginFile, view: StudyView) -> Section:
    """Render one dashboard.

    Args:
        dashboard: the file.
        view: the study.

    Returns:
        Its section; with a warning instead of figures if it is broken.
    """
    title, _, description = dashboard.description.partition("\n\n")
    heading, _, question = title.replace("\n", " ").partition(":")
    question = question.strip()
    description = f"{question[:1].upper()}{question[1:]}\n\n{description}".strip()
    figures: list[Any] = []
    warning = ""
    try:
        figures = _checked(load_dashboard(dashboard)(view), dashboard)
    except DashboardError as error:
        warning = f"The dashboard {dashboard.name!r} is broken. {error}"
    except Exception as error:
        warning = f"The dashboard {dashboard.name!r} is broken. {described(error, dashboard.path)}"
    return Section(heading, description, figures, warning=warning, anchor=dashboard.name)


def _checked(result: Any, dashboard: PluginFile) -> list[Any]:
    from plotly.graph_objects import Figure

    figures = list(result) if isinstance(result, list | tuple) else [result]
    for figure in figures:
        if not isinstance(figure, Figure):
            raise DashboardError(
                f"{dashboard.path}: `render` must return a Plotly figure or a list of them. Received: "
                f"{type(figure).__name__}."
            )
    return figures
