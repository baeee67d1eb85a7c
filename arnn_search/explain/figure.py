"""The figure of an explanation: the effect of every exchange with its interval."""

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arnn_search.explain.explanation import Explanation
from arnn_search.explain.variants import AS_FOUND
from arnn_search.matched.measured import Measured
from arnn_search.matched.pictures import save_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOURS = {"better": "#009E73", "worse": "#D55E00", "undecided": "#8A8A8A"}
_MARKERS = {"better": "^", "worse": "v", "undecided": "o"}


def draw(explanation: Explanation, directory: Path) -> list[Path]:
    """Writes `explanation.svg` and `explanation.png`; returns their paths."""
    return save_figure(lambda: make_figure(explanation), directory, "explanation")


def make_figure(explanation: Explanation) -> "Figure":
    """Differences of the score at the left, of |V| at the right; a row for each exchange."""
    from matplotlib.figure import Figure

    effects = [effect for effect in explanation.effects if effect.network != AS_FOUND]
    figure = Figure(figsize=(11, 2.2 + 0.34 * len(effects)), layout="constrained", facecolor="white")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[3, 2])
    for row, effect in enumerate(effects):
        look = {"color": _COLOURS[effect.judgement], "marker": _MARKERS[effect.judgement]}
        _draw_interval(left, row, effect.difference, look)
        _draw_interval(right, row, effect.vanishing_difference, {"color": "#0072B2", "marker": "o"})
    left.set_yticks(range(len(effects)), [effect.label for effect in effects], fontsize=9)
    left.invert_yaxis()
    better = "right" if explanation.larger_is_better else "left"
    left.set_title(f"{explanation.metric}: difference to the network as found", fontsize=9, loc="left")
    left.set_xlabel(f"better to the {better}", fontsize=8)
    right.set_title("|V|, decades: difference", fontsize=9, loc="left")
    right.set_xlabel("more even gradients to the left", fontsize=8)
    for axes in (left, right):
        axes.axvline(0, color="#000000", linewidth=0.8)
        axes.grid(axis="x", color="#E4E7EA", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(axis="x", labelsize=8)
        axes.tick_params(axis="y", length=0)
    handles = [
        left.plot([], [], color=_COLOURS[name], marker=_MARKERS[name], linestyle="", label=name)[0]
        for name in _COLOURS
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=3, fontsize=8, frameon=False)
    figure.suptitle(
        "\n".join(
            [
                f"Trial {explanation.trial} of {explanation.study}, {explanation.seeds} seeds, "
                "95 % intervals",
                *textwrap.wrap(explanation.conclusion, 130),
            ]
        ),
        fontsize=10,
        x=0.01,
        ha="left",
    )
    return figure


def _draw_interval(axes: Any, row: int, measured: Measured, look: dict[str, str]) -> None:
    if measured.interval is not None:
        axes.plot(measured.interval, (row, row), color=look["color"], linewidth=2)
    axes.plot(measured.mean, row, markersize=7, linestyle="", **look)
