"""Figures in which the reader of a page chooses what is shown: any trial, side by side with others.

The page draws a select for each place, above the first figure of a group; all figures of a group follow. What
can be chosen travels inside the page, so that it works where nothing can be fetched.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import plotly.graph_objects as go


@dataclass(frozen=True)
class Option:
    """One thing that can be chosen.

    Attributes:
        key: what it is known by in all figures of a group.
        label: what the select says.
        traces: for each trace of a slot what replaces its content, such as `x`, `y`, `z`, as plain lists.
        title: what stands above it.
        rows: how many rows it has, where a figure's height follows them; at most 30 count.
    """

    key: str
    label: str
    traces: Sequence[Mapping[str, Any]]
    title: str = ""
    rows: int = 0


@dataclass(frozen=True)
class SelectionSlot:
    """A place in a figure.

    Attributes:
        traces: which of the figure's traces are its own.
        annotation: which of the figure's annotations is its title; None for none.
        axes: the axes, such as `"xaxis2"`, that vanish while it is empty.
    """

    traces: Sequence[int]
    annotation: int | None = None
    axes: Sequence[str] = field(default_factory=tuple)


def selectable(
    figure: go.Figure,
    options: Sequence[Option],
    slots: Sequence[SelectionSlot],
    *,
    presets: Mapping[str, Sequence[str]],
    group: str = "trials",
    label: str = "trial",
    base_height: int = 0,
    row_height: float = 0.0,
    whole: Sequence[str] = (),
) -> go.Figure:
    """Let the reader choose what stands in each slot. Call it after `figures.style`.

    The figure itself needs no content: each slot begins with what the first preset has.

    Args:
        figure: with the traces of every slot; changed in place.
        options: what can be chosen, in the order of the select.
        slots: the places.
        presets: buttons, and the keys that each puts into the slots; fewer leave slots empty.
        group: figures of one group show the same.
        label: what an option is.
        base_height: of the figure in pixels, without rows.
        row_height: pixels for each row of the largest option that is shown; 0 for a fixed height.
        whole: axes of whole numbers from 1, such as epochs, that get no ticks between them.

    Returns:
        The figure.
    """
    chosen = {name: [*keys, *[None] * len(slots)][: len(slots)] for name, keys in presets.items()}
    meta = dict(figure.layout.meta or {})
    meta["choice"] = {
        "group": group,
        "label": label,
        "options": [vars(option) for option in options],
        "slots": [vars(slot) for slot in slots],
        "chosen": next(iter(chosen.values()), [None] * len(slots)),
        "presets": [{"label": name, "chosen": keys} for name, keys in chosen.items()],
        "base_height": base_height,
        "row_height": row_height,
        "whole": list(whole),
    }
    figure.layout.meta = meta
    return figure
