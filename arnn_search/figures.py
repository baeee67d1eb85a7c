"""What dashboards draw with: colours that everybody can tell apart, a common style, and words for nothing.

A page shows a figure's title and caption as text above it, where they wrap; so a title is never cut.
"""

import functools
import html
import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
GREY = "#8A8A8A"

PALETTE = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, BLACK, YELLOW)
"""Okabe and Ito's colours, in an order in which neighbours differ most."""

SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "x", "star", "hexagon")
"""Shapes that go with the colours, so that colour is never all that tells two things apart."""

FAMILY_COLOURS = {"classic": GREY, "ar": BLUE, "bn": ORANGE, "ar_bn": GREEN}
"""The colour of each layer family, the same in every dashboard."""

STATE_COLOURS = {
    "completed": BLUE,
    "pruned": ORANGE,
    "failed": VERMILION,
    "infeasible": PURPLE,
    "running": SKY,
    "interrupted": GREY,
}
"""The colour of each state of a trial."""


def look_of_states(states: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Colour and symbol of each state that occurs, known ones first; one that nobody foresaw is grey."""
    found = set(states)
    known = [state for state in STATE_COLOURS if state in found]
    symbols = dict(zip(STATE_COLOURS, SYMBOLS, strict=False))
    return {
        state: (STATE_COLOURS.get(state, GREY), symbols.get(state, SYMBOLS[-1]))
        for state in [*known, *sorted(found - set(known))]
    }


SCALE = "Viridis"
"""For magnitudes."""

_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
_LINE = "#D5D9DE"


def style(
    figure: go.Figure,
    *,
    title: str = "",
    caption: str = "",
    height: int = 440,
    subplot_width: int = 190,
    narrow: Mapping[str, Any] | None = None,
) -> go.Figure:
    """Bring a figure into the common style.

    Args:
        figure: changed in place.
        title: what it shows, in a few words.
        caption: what to look for, in a sentence or two.
        height: in pixels; the width is that of the page.
        subplot_width: the pixels that a subplot needs: on a page with less, subplots that stand side by
            side go into several rows.
        narrow: what a page of less than 640 pixels changes in the layout, property by property.

    Returns:
        The figure.
    """
    fitting = {"subplot_width": subplot_width, "narrow": dict(narrow or {})}
    figure.update_layout(
        template="plotly_white",
        title={"text": title},
        meta={"caption": caption, "is_words": False, **fitting},
        height=height,
        width=None,
        autosize=True,
        font={"family": _FONT, "size": 13, "color": "#24292F"},
        margin={"l": 64, "r": 24, "t": 40, "b": 56, "autoexpand": True},
        legend={"bgcolor": "rgba(255,255,255,0.8)", "tracegroupgap": 2},
        hoverlabel={"namelength": -1, "align": "left"},
        paper_bgcolor="white",
        plot_bgcolor="white",
    )
    figure.update_xaxes(automargin=True, linecolor=_LINE, showline=True, zeroline=False, title_standoff=8)
    figure.update_yaxes(automargin=True, linecolor=_LINE, showline=True, zeroline=False, title_standoff=8)
    return figure


def words(text: str, *, title: str = "", height: int = 200) -> go.Figure:
    """A figure that says why there is nothing to draw.

    Args:
        text: one or two sentences.
        title: what would have been shown.
        height: in pixels.
    """
    figure = go.Figure(go.Scatter(x=[0.5], y=[0.5], mode="markers", marker={"opacity": 0}, hoverinfo="skip"))
    style(figure, title=title, height=height)
    figure.update_layout(
        annotations=[
            {
                "text": "<br>".join(textwrap.wrap(text, 44)),
                "x": 0.5,
                "y": 0.5,
                "xref": "paper",
                "yref": "paper",
                "showarrow": False,
                "font": {"size": 15, "color": "#57606A"},
            }
        ],
        meta={"caption": "", "is_words": True},
        xaxis={"visible": False},
        yaxis={"visible": False},
        margin={"l": 16, "r": 16, "t": 16, "b": 16},
    )
    return figure


def count_axis(figure: go.Figure, *, largest: int, title: str) -> go.Figure:
    """Make the x axis one of whole numbers from 0."""
    step = max(1, -(-largest // 8))
    figure.update_xaxes(title_text=title, tick0=0, dtick=step, range=[0, largest + 0.06 * max(largest, 1)])
    return figure


def log_axis(figure: go.Figure, values: Iterable[float], *, title: str) -> go.Figure:
    """Make the x axis logarithmic, with few ticks that all say their whole value.

    Args:
        figure: changed in place.
        values: what is shown, positive.
        title: what stands below the axis.
    """
    exponents = [math.log10(value) for value in values]
    low, high = math.floor(min(exponents)), math.ceil(max(exponents))
    digits = (1,) if high - low > 3 else (1, 2, 5)
    ticks = [digit * 10.0**exponent for exponent in range(low, high + 1) for digit in digits]
    margin = 0.05 * max(max(exponents) - min(exponents), 0.2)
    return figure.update_xaxes(
        type="log",
        title_text=title,
        tickvals=ticks,
        tickformat="~s",
        range=[min(exponents) - margin, max(exponents) + margin],
    )


def table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, title: str, caption: str = ""
) -> go.Figure:
    """A table as a figure.

    Args:
        columns: the headings.
        rows: the cells as text, row by row.
        title: what stands above it.
        caption: what to look for.
    """
    rows = [[html.escape(cell, quote=False) for cell in row] for row in rows]
    cells = [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in columns]
    lengths = [max(map(len, [name, *column])) for name, column in zip(columns, cells, strict=True)]
    figure = go.Figure(
        go.Table(
            columnwidth=[min(max(length, 5), 40) for length in lengths],
            header={
                "values": [f"<b>{name}</b>" for name in columns],
                "align": "left",
                "fill": {"color": "#EEF1F4"},
                "line": {"color": _LINE},
                "height": 30,
            },
            cells={
                "values": cells,
                "align": "left",
                "fill": {"color": "white"},
                "line": {"color": _LINE},
                "height": 28,
            },
        )
    )
    # A cell that wraps makes its row higher.
    num_lines = sum(max((len(cell) // 42 + 1 for cell in row), default=1) for row in rows)
    style(figure, title=title, caption=caption, height=56 + 28 * max(num_lines, 1))
    figure.update_layout(margin={"l": 2, "r": 2, "t": 8, "b": 8})
    return figure


def shortened(text: str, length: int = 40) -> str:
    """A text of at most so many characters, with an ellipsis where it was cut."""
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1] + "…"


@functools.lru_cache(maxsize=1024)
def on_scale(place: float) -> str:
    """The colour at a place in [0, 1] of `SCALE`."""
    from plotly.colors import sample_colorscale

    return str(sample_colorscale(SCALE, [min(max(place, 0.0), 1.0)])[0])
