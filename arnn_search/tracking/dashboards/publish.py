"""Rendering a study's dashboards into its run in MLflow; run as a program, since it takes memory and time.

    python -m arnn_search.tracking.dashboards.publish --uri URI --experiment ID --run ID --study NAME

It prints one JSON object: `{"warnings": [...]}`, and `"error"` if MLflow could not be used.
"""

import argparse
import contextlib
import gc
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from arnn_search.errors import ArnnSearchError, TrackingError
from arnn_search.tracking.dashboards.discovery import FIRST
from arnn_search.tracking.dashboards.page import page
from arnn_search.tracking.dashboards.render import render_all
from arnn_search.tracking.dashboards.summary import Summary, summarise
from arnn_search.tracking.failures import reason_of
from arnn_search.tracking.names import MAX_TAG_LENGTH, cut
from arnn_search.tracking.pages import StudyLocation, run_url
from arnn_search.tracking.quiet import quiet
from arnn_search.tracking.saved_view import view_url
from arnn_search.tracking.study_reader import read_located
from arnn_search.tracking.study_view import StudyView

ARTIFACT_PATH = "dashboards"


def publish(
    uri: str, location: StudyLocation, *, directory: Path | None = None, cache: Path | None = None
) -> list[str]:
    """Render every dashboard and keep the pages and the study's note with its run.

    Args:
        uri: MLflow's store.
        location: the study.
        directory: the folder whose `dashboards/` counts as local; by default the current one.
        cache: folder that keeps what was read of trials that have ended.

    Returns:
        A warning for each dashboard that is broken.

    Raises:
        TrackingError: MLflow cannot be read or written.
    """
    view = read_located(uri, location, cache=cache)
    sections, warnings = render_all(view, directory)
    summary = summarise(view)
    with tempfile.TemporaryDirectory(prefix="arnn-search-pages-") as folder, quiet():
        for section in sections:
            # The page that is opened first answers first.
            introduction = summary.as_html() if section.anchor == FIRST else ""
            text = page(f"{section.title}: {view.name}", [section], introduction=introduction)
            (Path(folder) / f"{section.anchor}.html").write_text(text, encoding="utf-8")
        from mlflow import MlflowClient

        client = MlflowClient(uri)
        try:
            client.log_artifacts(location.run_id, folder, ARTIFACT_PATH)
            pages = [(section.title, f"{section.anchor}.html") for section in sections]
            note = study_note(view, summary, pages)
            client.set_tag(location.run_id, "mlflow.note.content", cut(note, MAX_TAG_LENGTH))
        except Exception as error:
            raise TrackingError(
                f"MLflow at {uri} did not take the dashboards: {reason_of(error)}."
            ) from error
    return warnings


def study_note(view: StudyView, summary: Summary, pages: Sequence[tuple[str, str]] = ()) -> str:
    """The note of a study's run in Markdown, with links to the trials' runs and to the dashboards.

    Args:
        view: the study, as it was read from MLflow.
        summary: the study in words.
        pages: title and file name of each dashboard's page.
    """
    location = view.location
    if location is None:
        return summary.as_markdown()

    def link(number: int) -> str:
        return run_url("", location.experiment_id, view.trials.loc[number, "run_id"]).lstrip("/")

    def page_link(file: str) -> str:
        path = f"{ARTIFACT_PATH}/{file}"
        return run_url("", location.experiment_id, location.run_id, artifact=path).lstrip("/")

    def view_link(*, charts: bool) -> str:
        return view_url("", location.experiment_id, location.run_id, charts=charts).lstrip("/")

    links = " · ".join(f"[{title}]({page_link(file)})" for title, file in pages)
    trials = f"Trials: [table]({view_link(charts=False)}) · [charts]({view_link(charts=True)})"
    more = f"Dashboards: {links}. {trials}" if links else trials
    # MLflow shows three lines at first, below the study's name, and sets tables solid.
    return summary.as_markdown(link, more=[more], has_title=False, padding="&emsp;")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program; 0 unless MLflow could not be used."""
    parser = argparse.ArgumentParser()
    for name in ("uri", "experiment", "run", "study"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--directory", type=Path)
    parser.add_argument("--cache", type=Path)
    given = parser.parse_args(arguments)
    location = StudyLocation(given.study, given.experiment, given.run)
    # A dashboard's own print must not end up in the answer.
    with contextlib.redirect_stdout(sys.stderr):
        try:
            warnings = publish(given.uri, location, directory=given.directory, cache=given.cache)
            answer: dict[str, object] = {"warnings": warnings}
        except ArnnSearchError as error:
            answer = {"warnings": [], "error": str(error)}
    print(json.dumps(answer))
    return 1 if "error" in answer else 0


if __name__ == "__main__":
    # Training comes first.
    with contextlib.suppress(OSError):
        os.nice(19)
    # Most of what is imported and read stays until the end, so looking for garbage is a seventh of the work.
    gc.set_threshold(100_000, 20, 100)
    sys.exit(main())
