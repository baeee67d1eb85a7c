"""A study in one file, to send to somebody: every dashboard on one page, or the gist as Markdown."""

from pathlib import Path
from typing import TYPE_CHECKING

from arnn_search.errors import TrackingError
from arnn_search.tracking.failures import reason_of
from arnn_search.tracking.pages import find_study
from arnn_search.tracking.quiet import quiet

if TYPE_CHECKING:
    from arnn_search.tracking.study_view import StudyView

_LEADERS = 10


def write_report(uri: str, study: str, path: Path, *, markdown: bool = False) -> None:
    """Reads a study from MLflow and writes it down.

    Args:
        uri: MLflow's store.
        study: the study's name.
        path: the file to write; its folder is created.
        markdown: whether to write the leaderboard and the endings as Markdown instead of the page.

    Raises:
        TrackingError: MLflow holds no such study, or cannot be read.
        DashboardError: a dashboard is broken; names its file and line.
    """
    location = find_study(uri, study)
    if location is None:
        raise TrackingError(f"MLflow at {uri} holds nothing of {study!r}. Try `arnn-search sync {study}`.")
    with quiet():
        from mlflow import MlflowClient

        from arnn_search.tracking.dashboards import DashboardError, find_dashboards, render_report
        from arnn_search.tracking.study_view import read_study

        try:
            view = read_study(MlflowClient(uri), location.experiment_id, location.run_id)
            text = as_markdown(view) if markdown else render_report(find_dashboards().values(), view)
        except DashboardError:
            raise
        except Exception as error:
            raise TrackingError(f"MLflow at {uri} cannot be read: {reason_of(error)}.") from error
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def as_markdown(view: "StudyView") -> str:
    """The leaderboard, and how the trials ended."""
    counts = ", ".join(f"{count} {state}" for state, count in view.trials["state"].value_counts().items())
    lines = [f"## {view.name}", "", f"{len(view.trials)} trials: {counts or 'none'}.", ""]
    if len(view.completed):
        lines += [f"| trial | family | {view.metric} | weights |", "|---|---|---|---|"]
        lines += [
            f"| {number} | {row['family']} | {row['value']:.4f} | {row['num_parameters']:,.0f} |"
            for number, row in view.completed.head(_LEADERS).iterrows()
        ]
    ended = view.trials[~view.trials["state"].isin(("completed", "running"))]
    if len(ended):
        lines += ["", "| ended | reason | trials |", "|---|---|---|"]
        groups = ended.groupby(["state", "reason"]).size().sort_values(ascending=False)
        lines += [f"| {state} | {reason} | {count} |" for (state, reason), count in groups.items()]
    return "\n".join(lines) + "\n"
