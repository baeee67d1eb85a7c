"""What a study found, in words and one table: for the study's note in MLflow, and for reports."""

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from arnn_search.tracking.dashboards.findings import Finding, amount, findings
from arnn_search.tracking.study_view import StudyView

_LEADERS = 10
_CODE = re.compile(r"`([^`]*)`")

Link = Callable[[int], str | None]


@dataclass(frozen=True)
class Summary:
    """What a study says, and its leaderboard.

    Attributes:
        title: the study's name.
        findings: what it says; commands stand between backquotes.
        columns: headings of the leaderboard.
        rows: its cells as text; the second one is the trial's number.
    """

    title: str
    findings: tuple[Finding, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def as_markdown(
        self,
        link: Link = lambda number: None,
        *,
        more: Sequence[str] = (),
        has_title: bool = True,
        padding: str = "",
    ) -> str:
        """Markdown; GitHub's tables.

        Args:
            link: the address of a trial's page; None for no link.
            more: further paragraphs in Markdown, below the first words.
            has_title: whether the study's name stands above it.
            padding: HTML behind the text of each cell, for readers that set cells without any space.
        """
        lines = [f"## {_escaped(self.title)}", ""] if has_title else []
        words = [f"**{finding.label}.** {_escaped(finding.text)}" for finding in self.findings]
        for text in (*words[:1], *more, *words[1:]):
            lines += [text, ""]
        if self.rows:
            lines += [_row([_escaped(name) + padding for name in self.columns])]
            lines += [_row(["---"] * len(self.columns))]
        for row in self.rows:
            address = link(int(row[1]))
            cells = [_escaped(cell) for cell in row]
            cells[1] = f"[{cells[1]}]({address})" if address else cells[1]
            lines.append(_row([cell + padding for cell in cells]))
        return "\n".join(lines).rstrip() + "\n"

    def as_html(self) -> str:
        """The findings as a list of terms, and a table."""
        parts = ['<dl class="findings">']
        parts += [
            f"<dt>{html.escape(one.label)}</dt><dd>{_CODE.sub(_as_code, html.escape(one.text))}</dd>"
            for one in self.findings
        ]
        parts.append("</dl>")
        if self.rows:
            parts.append(f'<div class="wide"><table><tr>{_cells(self.columns, "th")}</tr>')
            parts += [f"<tr>{_cells(row, 'td')}</tr>" for row in self.rows]
            parts.append("</table></div>")
        return "\n".join(parts)


def summarise(view: StudyView) -> Summary:
    """Put a study into words.

    Args:
        view: the study.
    """
    leaders = view.leaderboard.head(_LEADERS)
    has_interval = bool(len(leaders)) and bool(leaders["low"].notna().any())
    has_repeats = bool(len(leaders)) and bool((leaders["repeats"] > 1).any())
    others = [one.metric for one in view.objectives[1:]]
    columns = ["", "trial", view.metric] + ["95 % interval"] * has_interval + ["repeats"] * has_repeats
    columns += [*others, "family", "activation", "limit"]
    columns += [name for name in ("health", "epochs", "weights") if _OBJECTIVE_OF.get(name) not in others]
    rows = tuple(
        _cells_of(rank, row, columns, others) for rank, (_, row) in enumerate(leaders.iterrows(), start=1)
    )
    return Summary(view.name, tuple(findings(view)), tuple(columns), rows)


_OBJECTIVE_OF = {"health": "health/score", "weights": "num_parameters"}


def _cells_of(rank: int, row: Any, columns: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    low, high = row["low"], row["high"]
    cells = {
        "": str(rank),
        "trial": str(row.name),
        "family": row["family"] or "-",
        "activation": _text(row.get("param.activation")),
        "limit": _text(row.get("param.limit_mode")),
        "95 % interval": f"{low:.4f} .. {high:.4f}" if np.isfinite(low) else "-",
        "repeats": str(row["repeats"]),
        "health": _number(row.get("metric.health/score"), ".2f"),
        "epochs": str(int(row["num_epochs"])),
        "weights": _number(row["num_weights"], ",.0f"),
    }
    cells |= {name: amount(row.get(f"metric.{name}", np.nan)) for name in others}
    return tuple(cells.get(name, f"{row['score']:.4f}") for name in columns)


def _number(value: Any, form: str) -> str:
    return format(value, form) if value is not None and np.isfinite(value) else "-"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "-"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(texts: Sequence[str], tag: str) -> str:
    return "".join(f"<{tag}>{html.escape(text)}</{tag}>" for text in texts)


def _as_code(found: re.Match[str]) -> str:
    return f"<code>{found[1]}</code>"


def _escaped(text: str) -> str:
    """Keeps names such as `val_accuracy` from becoming italics, and a `|` from ending a cell; not in code."""
    return "".join(
        part if number % 2 else re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", part)
        for number, part in enumerate(re.split(r"(`[^`|<>]*`)", text))
    )
