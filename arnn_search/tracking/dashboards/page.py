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
from typing import Any

_STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; padding: 20px 24px 40px; background: #fff; color: #24292f; overflow-wrap: anywhere;
  font: 15px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif; }
main { max-width: 1600px; margin: 0 auto; }
h1 { font-size: 22px; line-height: 1.25; margin: 0 0 4px; }
h2 { font-size: 18px; margin: 36px 0 2px; padding-top: 14px; border-top: 1px solid #d5d9de; }
h3 { font-size: 16px; margin: 22px 0 0; }
p { margin: 4px 0 8px; color: #57606a; max-width: 90ch; }
.figure { width: 100%; }
.warning { border-left: 4px solid #d55e00; padding: 6px 12px; color: #24292f; background: #fdf4ee; }
nav a { margin-right: 14px; }
a { color: #0072b2; }
table { border-collapse: collapse; margin: 10px 0; }
th, td { border: 1px solid #d5d9de; padding: 4px 10px; text-align: left; }
th { background: #eef1f4; }
noscript { display: block; padding: 12px; }
"""

_SCRIPT = """
const unpack = async id => {
  const bytes = Uint8Array.from(atob(document.getElementById(id).textContent), c => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return await new Response(stream).text();
};
const say = text => document.querySelectorAll('.figure').forEach(
  place => { place.textContent = text; });
(async () => {
  if (!('DecompressionStream' in window)) {
    say('These figures need a browser of 2023 or later.');
    return;
  }
  const library = document.createElement('script');
  library.textContent = await unpack('plotly');
  document.head.appendChild(library);
  const figures = JSON.parse(await unpack('figures'));
  for (const [number, figure] of figures.entries()) {
    const place = document.getElementById('figure-' + number);
    try {
      const isText = figure.layout.meta?.is_words || figure.data.every(trace => trace.type === 'table');
      // The study belongs to its owner: no button offers to upload it.
      await Plotly.newPlot(place, figure.data, figure.layout, {responsive: true, displaylogo: false,
        displayModeBar: isText ? false : 'hover', plotlyServerURL: '',
        modeBarButtonsToRemove: ['sendChartToCloud', 'sendDataToCloud', 'lasso2d', 'select2d']});
    } catch (error) {
      place.textContent = 'This figure cannot be drawn: ' + error;
    }
  }
  document.documentElement.dataset.drawn = figures.length;
})();
"""


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
            content = json.loads(figure.to_json())
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
        f'<link rel="icon" href="data:,">\n<style>{_STYLE}</style></head>\n'
        f"<body><main><h1>{html.escape(title)}</h1>\n{introduction}\n<noscript>Figures need JavaScript."
        f"</noscript>\n{chr(10).join(parts)}\n<p>arnn-search, {made}</p></main>\n"
        f'<script type="text/plain" id="plotly">{_plotly()}</script>\n'
        f'<script type="text/plain" id="figures">{_packed(json.dumps(drawn))}</script>\n'
        f"<script>{_SCRIPT}</script></body></html>\n"
    )


def _lift_words(layout: dict[str, Any]) -> tuple[str, str]:
    """Takes title and caption out of a figure: as text of the page they wrap instead of being cut."""
    title = layout.pop("title", {}).get("text", "")
    meta = layout.get("meta")
    caption = meta.get("caption", "") if isinstance(meta, dict) else ""
    return _plain(title), _plain(caption)


def _plain(text: Any) -> str:
    return str(text or "").replace("<br>", " ")


@functools.cache
def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return _packed(get_plotlyjs())


def _packed(text: str) -> str:
    # Without a time in it, the same content gives the same bytes.
    return base64.b64encode(gzip.compress(text.encode(), compresslevel=9, mtime=0)).decode()
