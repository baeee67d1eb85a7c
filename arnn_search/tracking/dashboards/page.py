"""A page of figures: one HTML file that needs nothing else, not even a network.

MLflow shows an artifact in a sandboxed frame that may fetch nothing. So plotly.js travels inside the page,
compressed to a fifth of its size, and the browser unpacks it (`DecompressionStream`).
"""

import base64
import functools
import gzip
import html
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Attributes:
        title: its heading.
        description: paragraphs of plain text below the heading.
        figures: Plotly figures, each with its own title and caption.
        warning: what went wrong, in words; empty if nothing did.
        anchor: what a link to it is called; empty for none.
    """

    title: str
    description: str = ""
    figures: Sequence[Any] = field(default_factory=tuple)
    warning: str = ""
    anchor: str = ""


def page(title: str, sections: Iterable[Section], *, introduction: str = "") -> str:
    """The text of an HTML file.

    Args:
        title: heading and window title.
        sections: its parts, in order.
        introduction: HTML below the heading.
    """
    parts: list[str] = []
    drawn: list[dict[str, Any]] = []
    shown = list(sections)
    for section in shown:
        anchor = f' id="{html.escape(section.anchor)}"' if section.anchor else ""
        parts.append(f"<section{anchor}>")
        if len(shown) > 1:
            parts.append(f"<h2>{html.escape(section.title)}</h2>")
        parts += [f"<p>{html.escape(text)}</p>" for text in section.description.split("\n\n") if text]
        if section.warning:
            parts.append(f'<p class="warning">{html.escape(section.warning)}</p>')
        for figure in section.figures:
            content = _content(figure)
            heading, caption = _lift_words(content["layout"])
            parts += [f"<h3>{html.escape(heading)}</h3>"] if heading else []
            parts += [f"<p>{html.escape(caption)}</p>"] if caption else []
            height = content["layout"].get("height") or 440
            parts.append(f'<div class="figure" id="figure-{len(drawn)}" style="min-height:{height}px"></div>')
            drawn.append(content)
        parts.append("</section>")
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<link rel="icon" href="data:,">\n<style>{_text("page.css")}</style></head>\n'
        f"<body><main><h1>{html.escape(title)}</h1>\n{introduction}\n<noscript>Figures need JavaScript."
        f"</noscript>\n{chr(10).join(parts)}\n<p>arnn-search, {made}</p></main>\n"
        f'<script type="text/plain" id="plotly">{_plotly()}</script>\n'
        f'<script type="text/plain" id="figures">{_packed(_text_of(drawn))}</script>\n'
        f"<script>{_text('fit.js')}\n{_text('page.js')}</script></body></html>\n"
    )


def _content(figure: Any) -> dict[str, Any]:
    """A figure as plain data, but for what its reader can choose: Plotly would copy every number of that."""
    meta = figure.layout.meta
    choice = meta.get("choice") if isinstance(meta, dict) else None
    if not choice:
        plain: dict[str, Any] = json.loads(figure.to_json())
        return plain
    figure.layout.meta = {**meta, "choice": {**choice, "options": []}}
    try:
        content: dict[str, Any] = json.loads(figure.to_json())
    finally:
        figure.layout.meta = meta
    content["layout"]["meta"]["choice"]["options"] = choice["options"]
    return content


def _text_of(figures: list[dict[str, Any]]) -> str:
    from plotly.io.json import to_json_plotly

    return str(to_json_plotly(figures))


def _lift_words(layout: dict[str, Any]) -> tuple[str, str]:
    """Takes title and caption out of a figure: as text of the page they wrap instead of being cut."""
    title = layout.pop("title", {}).get("text", "")
    meta = layout.get("meta")
    caption = meta.get("caption", "") if isinstance(meta, dict) else ""
    return _plain(title), _plain(caption)


def _plain(text: Any) -> str:
    return str(text or "").replace("<br>", " ")


@functools.cache
def _text(file: str) -> str:
    return Path(__file__).with_name(file).read_text(encoding="utf-8")


@functools.cache
def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return _packed(get_plotlyjs())


def _packed(text: str) -> str:
    # Without a time in it, the same content gives the same bytes.
    return base64.b64encode(gzip.compress(text.encode(), compresslevel=9, mtime=0)).decode()
