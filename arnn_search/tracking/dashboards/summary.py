"""What a study found, in words and one table: for the study's note in MLflow, and for reports."""

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from arnn_search.tracking.study_view import StudyView

_LEADERS = 10

Link = Callable[[int], str | None]


@dataclass(frozen=True)
class Summary:
    """Sentences about a study, and its leaderboard.

    Attributes:
        title: the study's name.
        paragraphs: plain text.
        columns: headings of the leaderboard.
        rows: its cells as text; the second one is the trial's number.
    """

    title: str
    paragraphs: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def as_markdown(self, link: Link = lambda number: None, *, more: Sequence[str] = ()) -> str:
        """Markdown; GitHub's tables.

        Args:
            link: the address of a trial's page; None for no link.
            more: further paragraphs in Markdown, between the words and the table.
        """
        lines = [f"## {_escaped(self.title)}", ""]
        for paragraph in self.paragraphs:
            lines += [_escaped(paragraph), ""]
        for text in more:
            lines += [text, ""]
        if self.rows:
            lines += [_row([_escaped(name) for name in self.columns]), _row(["---"] * len(self.columns))]
        for row in self.rows:
            address = link(int(row[1]))
            cells = [_escaped(cell) for cell in row]
            cells[1] = f"[{cells[1]}]({address})" if address else cells[1]
            lines.append(_row(cells))
        return "\n".join(lines).rstrip() + "\n"

    def as_html(self) -> str:
        """Paragraphs and a table."""
        parts = [f"<p>{html.escape(paragraph)}</p>" for paragraph in self.paragraphs]
        if self.rows:
            parts.append(f"<table><tr>{_cells(self.columns, 'th')}</tr>")
            parts += [f"<tr>{_cells(row, 'td')}</tr>" for row in self.rows]
            parts.append("</table>")
        return "\n".join(parts)


def summarise(view: StudyView) -> Summary:
    """Put a study into words.

    Args:
        view: the study.
    """
    columns = ("", "trial", "family", "activation", "limit", view.metric, "health", "epochs", "weights")
    rows = tuple(_cells_of(rank, row) for rank, row in enumerate(_leaders(view), start=1))
    paragraphs = [_extent(view), *_best(view), *_families(view)]
    return Summary(view.name, tuple(paragraphs), columns, rows)


def _extent(view: StudyView) -> str:
    counts = view.trials["state"].value_counts()
    said = ", ".join(f"{count} {state}" for state, count in counts.items()) or "none yet"
    what = " and ".join(f"{each.direction} {each.metric}" for each in view.objectives)
    space, data = view.tags.get("arnn.space"), view.tags.get("arnn.data")
    where = f" in the search space {space}" if space else ""
    on = f" on {data}" if data else ""
    num_trials = len(view.trials)
    return f"{num_trials} trial{'' if num_trials == 1 else 's'}{where}{on} to {what}: {said}."


def _best(view: StudyView) -> list[str]:
    if view.completed.empty:
        return ["No trial has completed."]
    best = view.completed.iloc[0]
    number = int(best.name)
    said = f"Best: {view.title(number)}, with {view.metric} = {best['score']:.4f}."
    health = best.get("metric.health/score", np.nan)
    if np.isfinite(health):
        said += f" The health of its gradients was {health:.2f} (1 is healthy)."
    index = best.get("metric.health/vanishing_index", np.nan)
    if np.isfinite(index) and abs(index) >= 1:
        trend = "vanished towards the input" if index < 0 else "grew towards the input"
        said += f" They {trend} by {abs(index):.1f} decades."
    test = {n.removeprefix("test_"): v for n, v in sorted(view.metrics.items()) if n.startswith("test_")}
    if test:
        scores = ", ".join(f"{name} {value:.4f}" for name, value in test.items())
        said += f" On the test part, which no trial saw: {scores}."
    return [said]


def _families(view: StudyView) -> list[str]:
    groups = view.completed[view.completed["family"] != ""].groupby("family")["score"]
    if groups.ngroups < 2:
        return []
    medians = groups.median().sort_values(ascending=view.direction == "minimize")
    sizes = groups.size()
    said = ", ".join(f"{family} {median:.4f} (n = {sizes[family]})" for family, median in medians.items())
    return [f"Median {view.metric} by layer family: {said}."]


def _leaders(view: StudyView) -> list[Any]:
    return [row for _, row in view.completed.head(_LEADERS).iterrows()]


def _cells_of(rank: int, row: Any) -> tuple[str, ...]:
    return (
        str(rank),
        str(row.name),
        row["family"] or "-",
        _text(row.get("param.activation")),
        _text(row.get("param.limit_mode")),
        f"{row['score']:.4f}",
        _number(row.get("metric.health/score"), ".2f"),
        str(int(row["num_epochs"])),
        _number(row["num_weights"], ",.0f"),
    )


def _number(value: Any, form: str) -> str:
    return format(value, form) if value is not None and np.isfinite(value) else "-"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "-"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(texts: Sequence[str], tag: str) -> str:
    return "".join(f"<{tag}>{html.escape(text)}</{tag}>" for text in texts)


def _escaped(text: str) -> str:
    """Keeps names such as `val_accuracy` from becoming italics, and a `|` from ending a cell."""
    for character in "\\`*_[]<>|#":
        text = text.replace(character, f"\\{character}")
    return text
