"""A study as one file: for people without access to MLflow, and for keeping."""

from pathlib import Path
from typing import Literal

from arnn_search.errors import DashboardError
from arnn_search.tracking.dashboards.page import page
from arnn_search.tracking.dashboards.render import render_all
from arnn_search.tracking.dashboards.summary import summarise
from arnn_search.tracking.study_view import StudyView

Format = Literal["html", "md"]
SUFFIXES: dict[str, Format] = {".html": "html", ".htm": "html", ".md": "md", ".markdown": "md"}


def write_report(
    view: StudyView, path: Path, *, form: Format | None = None, directory: Path | None = None
) -> list[str]:
    """Write a report.

    Args:
        view: the study.
        path: the file; replaced if it exists.
        form: `"html"` has every dashboard in it and opens without a network; `"md"` has words and tables.
            None for what the file's suffix says.
        directory: the folder whose `dashboards/` counts as local; by default the current one.

    Returns:
        A warning for each dashboard that is broken.

    Raises:
        DashboardError: the file cannot be written, or its suffix says nothing.
    """
    chosen = form or SUFFIXES.get(path.suffix.lower())
    if chosen is None:
        known = ", ".join(SUFFIXES)
        raise DashboardError(
            f"A report is written as HTML or Markdown. Received: {path.name!r}; give --format, or a name "
            f"that ends in {known}."
        )
    text, warnings = (_markdown(view), []) if chosen == "md" else report_page(view, directory)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DashboardError(f"The report {path} cannot be written: {error}.") from error
    return warnings


def report_page(view: StudyView, directory: Path | None = None) -> tuple[str, list[str]]:
    """All dashboards below the study in words, as HTML; and a warning for each dashboard that is broken.

    Args:
        view: the study.
        directory: the folder whose `dashboards/` counts as local; by default the current one.
    """
    sections, warnings = render_all(view, directory)
    links = "".join(f'<a href="#{section.anchor}">{section.title}</a>' for section in sections)
    introduction = f"{summarise(view).as_html()}\n<nav>{links}</nav>"
    return page(view.name, sections, introduction=introduction), warnings


def _markdown(view: StudyView) -> str:
    failed = view.trials[view.trials["state"].isin(["failed", "infeasible"])]
    counts = failed.groupby("reason").size().sort_values(ascending=False)
    lines = [f"- {count} x {reason or 'no reason given'}" for reason, count in counts.items()]
    parts = [summarise(view).as_markdown()]
    if lines:
        parts.append("### Failures\n\n" + "\n".join(lines) + "\n")
    if view.parameters:
        rows = [f"| {name} | {value} |" for name, value in sorted(view.parameters.items())]
        parts.append("### Configuration\n\n| key | value |\n| --- | --- |\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)
