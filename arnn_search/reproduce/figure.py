"""The figure of an experiment: curves of every network, and their gradients side by side on one scale."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from arnn_search.matched.pictures import save_figure
from arnn_search.reproduce.result import Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOURS = ("#8A8A8A", "#E69F00", "#0072B2", "#009E73", "#56B4E9", "#CC79A7", "#D55E00", "#000000", "#B8A000")
"""Okabe and Ito's, which everybody can tell apart; grey for the classic network."""
_LINES = ("-", "--", "-", "-", ":", ":", "--", "-.", ":")
_COLUMNS = 6


def draw(result: Result, directory: Path) -> list[Path]:
    """Writes `figure.svg` and `figure.png`; returns their paths."""
    return save_figure(lambda: make_figure(result), directory, "figure")


def make_figure(result: Result) -> "Figure":
    """Curves above, heat maps below: layers from input to output, epochs from left to right."""
    from matplotlib.figure import Figure

    num_maps = len(result.gradients)
    rows = -(-num_maps // _COLUMNS)
    columns = -(-num_maps // rows)
    most_layers = max(len(one["layers"]) for one in result.gradients.values())
    map_height = 1.0 + 0.16 * most_layers
    figure = Figure(figsize=(13, 4.3 + rows * map_height), layout="constrained", facecolor="white")
    parts: Any = figure.subfigures(2, 1, height_ratios=[4.0, rows * map_height])
    upper, lower = parts
    activation = f", {result.activation}" if result.activation else ""
    upper.suptitle(
        f"{result.title}\n{result.data}{activation}: mean of {result.seeds} seeds, band: 95 % interval",
        fontsize=11,
        x=0.01,
        ha="left",
    )
    _draw_curves(upper, result)
    _draw_maps(lower, result, rows=rows, columns=columns)
    return figure


def _draw_curves(figure: Any, result: Result) -> None:
    metrics = list(dict.fromkeys(metric for curves in result.curves.values() for metric in curves))
    all_axes = np.atleast_1d(figure.subplots(1, len(metrics)))
    for axes, metric in zip(all_axes, metrics, strict=True):
        for (label, curves), colour, line in zip(result.curves.items(), _COLOURS, _LINES, strict=False):
            mean, half = (np.asarray(part, dtype=float) for part in curves[metric])
            epochs = np.arange(1, len(mean) + 1)
            axes.plot(epochs, mean, line, color=colour, label=label, linewidth=1.8)
            axes.fill_between(epochs, mean - half, mean + half, color=colour, alpha=0.15, linewidth=0)
        is_logarithmic = metric.endswith("loss") and result.score == "val_loss"
        _limit_to_means(axes, [curves[metric][0] for curves in result.curves.values()], is_logarithmic)
        axes.set_xlabel("epoch", fontsize=9)
        axes.set_title(metric, fontsize=10, loc="left")
        axes.grid(color="#E4E7EA", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
    handles, labels = all_axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", fontsize=9, frameon=False)


def _limit_to_means(axes: Any, means: Sequence[Sequence[float]], is_logarithmic: bool) -> None:
    """Two seeds have wide bands, which must not press the curves flat."""
    known = np.array([value for mean in means for value in mean if np.isfinite(value)])
    if not known.size:
        return
    if is_logarithmic and known.min() > 0:
        axes.set_yscale("log")
        axes.set_ylim(known.min() / 1.2, known.max() * 1.2)
        return
    margin = 0.15 * max(known.max() - known.min(), 1e-3)
    axes.set_ylim(known.min() - margin, known.max() + margin)


def _draw_maps(figure: Any, result: Result, *, rows: int, columns: int) -> None:
    from matplotlib import colormaps
    from matplotlib.ticker import MaxNLocator

    maps = {label: np.array(one["log10_rms"], dtype=float) for label, one in result.gradients.items()}
    known = np.concatenate([values[np.isfinite(values)] for values in maps.values()])
    low, high = (float(known.min()), float(known.max())) if known.size else (-1.0, 1.0)
    all_axes = figure.subplots(rows, columns, squeeze=False)
    image = None
    for axes, label in zip(all_axes.flat, maps, strict=False):
        layers = result.gradients[label]["layers"]
        image = axes.imshow(
            np.ma.masked_invalid(maps[label]),
            cmap=colormaps["viridis"].with_extremes(bad="#b8b8b8"),
            vmin=low,
            vmax=high,
            aspect="auto",
            interpolation="nearest",
            extent=(0.5, maps[label].shape[1] + 0.5, len(layers) - 0.5, -0.5),
        )
        axes.set_title(label, fontsize=10, loc="left")
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, min_n_ticks=1))
        axes.set_yticks(range(len(layers)), [_short(layer) for layer in layers], fontsize=7)
        axes.tick_params(axis="x", labelsize=8)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("epoch", fontsize=8)
    for axes in all_axes.flat[len(maps) :]:
        axes.set_visible(False)
    bar = figure.colorbar(image, ax=all_axes, pad=0.01, fraction=0.02)
    bar.set_label("log₁₀ of the gradient's RMS", fontsize=8)
    bar.ax.tick_params(labelsize=8)


def _short(layer: str) -> str:
    """`auto_rot_conv2d_1` as `conv2d_1`, `lstm/lstm_cell` as `lstm_cell`: the rows are the same layers."""
    name = layer.rsplit("/", 1)[-1].removeprefix("auto_rot_")
    return name if len(name) <= 22 else name[:21] + "…"
