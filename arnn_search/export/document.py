"""A short document, written once and rendered as Markdown and as HTML."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:58rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;margin:1rem 0}td,th{border:1px solid #ccc;padding:.3rem .7rem;"
    "text-align:left;vertical-align:top}th{background:#f4f4f4}pre{background:#f6f6f6;padding:.8rem;"
    "overflow-x:auto}svg{max-width:100%;height:auto}"
)


@dataclass
class Document:
    """Blocks in order; plain text only, which each rendering escapes in its own way.

    Attributes:
        title: the first heading.
    """

    title: str
    _markdown: list[str] = field(default_factory=list)
    _html: list[str] = field(default_factory=list)

    def heading(self, text: str) -> None:
        """Begins a section."""
        self._add(f"## {text}", f"<h2>{escape(text)}</h2>")

    def paragraph(self, text: str) -> None:
        """Adds a paragraph."""
        self._add(text, f"<p>{escape(text)}</p>")

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Adds a table; every row has as many cells as the header."""
        cells = [[_cell(cell) for cell in row] for row in (header, ["---"] * len(header), *rows)]
        head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
        body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
        self._add(
            "\n".join(f"| {' | '.join(row)} |" for row in cells), f"<table><tr>{head}</tr>{body}</table>"
        )

    def code(self, text: str, *, language: str) -> None:
        """Adds a program, or commands."""
        self._add(f"```{language}\n{text}\n```", f"<pre><code>{escape(text)}</code></pre>")

    def picture(self, svg: str, *, file_name: str, description: str) -> None:
        """Adds a picture: a link to its file in Markdown, the drawing itself in HTML."""
        self._add(f"![{description}]({file_name})", svg)

    def as_markdown(self) -> str:
        """The document in Markdown."""
        return "\n\n".join([f"# {self.title}", *self._markdown]) + "\n"

    def as_html(self) -> str:
        """The document as one HTML page that needs nothing beside it."""
        title = escape(self.title)
        return (
            f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
            f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style>'
            f"</head><body>\n<h1>{title}</h1>\n" + "\n".join(self._html) + "\n</body></html>\n"
        )

    def _add(self, markdown: str, html: str) -> None:
        self._markdown.append(markdown)
        self._html.append(html)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
