"""The picture of a trial's gradients: layers from input to output, epochs from left to right."""

import textwrap
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FONT = "DejaVu Sans"
"""Ships with Matplotlib, so that a picture looks the same on every machine."""

MISSING_COLOUR = "#b8b8b8"
_MAX_NAME_LENGTH = 32
_DOTS_PER_INCH = 110
_WIDEST_LETTER = 0.088
"""In inches, on average, of a title."""
# Matplotlib's text layout shares caches between figures.
_drawing = threading.Lock()


def draw_gradients(npz_path: Path, picture_path: Path, *, title: str) -> None:
    """Draw the gradients that a trial has recorded.

    Args:
        npz_path: holds `gradient_rms` of shape (epochs, layers) and `layers`, their names in depth order;
            further arrays are left alone.
        picture_path: the PNG file to write.
        title: what stands above the picture.

    Raises:
        ValueError: if the arrays are missing or do not fit each other.
    """
    with np.load(npz_path, allow_pickle=False) as arrays:
        for name in ("gradient_rms", "layers"):
            if name not in arrays:
                raise ValueError(f"The array {name!r} is missing. Received: {sorted(arrays.files)}.")
        gradient_rms = np.asarray(arrays["gradient_rms"], np.float64)
        layers = [str(layer) for layer in arrays["layers"]]
    with _drawing:
        figure = heat_map(gradient_rms, layers, title=title)
        figure.savefig(picture_path, dpi=_DOTS_PER_INCH, format="png")


def heat_map(gradient_rms: NDArray[np.float64], layers: Sequence[str], *, title: str) -> "Figure":
    """A heat map of log10 of the gradients' root mean square.

    A value that has no logarithm (zero, nan, infinite) is grey.

    Args:
        gradient_rms: shape (epochs, layers), in units of loss per unit of weight.
        layers: the layers' names in depth order.
        title: what stands above the picture.

    Raises:
        ValueError: if the shape does not fit the names, or there is nothing to draw.
    """
    if gradient_rms.ndim != 2 or not gradient_rms.size or gradient_rms.shape[1] != len(layers):
        raise ValueError(
            f"Gradients must have the shape (epochs, layers) with at least one of each. Received: the shape "
            f"{gradient_rms.shape} and {len(layers)} names."
        )
    from matplotlib import colormaps
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    logarithms, has_missing = _logarithms(gradient_rms)
    num_epochs, num_layers = gradient_rms.shape
    names = [_label(layer) for layer in layers]
    # In inches. Matplotlib's own layout draws everything twice to find out, for every trial of a study.
    width, height = 9.0, 1.9 + max(1.6, 0.2 * num_layers)
    left, bottom = 0.45 + _inches(names, size=8), 0.75 if has_missing else 0.6
    most = min(88, int((width - left) / _WIDEST_LETTER))
    lines = textwrap.wrap(_drawable(title), most, max_lines=2, placeholder=" …")
    across, up = width - left - 1.25, height - bottom - 0.3 - 0.18 * len(lines)
    figure = Figure(figsize=(width, height), facecolor="white")
    axes = figure.add_axes((left / width, bottom / height, across / width, up / height))
    beside = figure.add_axes(((left + across + 0.15) / width, bottom / height, 0.2 / width, up / height))
    axes.set_facecolor("white")
    low, high = _range(logarithms)
    image = axes.imshow(
        logarithms.T,
        cmap=colormaps["viridis"].with_extremes(bad=MISSING_COLOUR),
        vmin=low,
        vmax=high,
        aspect="auto",
        interpolation="nearest",
        origin="upper",
        extent=(0.5, num_epochs + 0.5, num_layers - 0.5, -0.5),
    )
    axes.xaxis.set_major_locator(MaxNLocator(nbins=12, integer=True, min_n_ticks=1))
    axes.set_yticks(range(num_layers), names, fontsize=8, **_text())
    axes.tick_params(axis="x", labelsize=8, labelfontfamily=FONT)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("epoch", fontsize=9, **_text())
    axes.set_ylabel("layer, input at the top", fontsize=9, **_text())
    axes.set_title("\n".join(lines), fontsize=10, loc="left", **_text())
    bar = figure.colorbar(image, cax=beside)
    bar.set_label("log₁₀ of the gradient's RMS (loss per unit of weight)", fontsize=8, **_text())
    bar.ax.tick_params(labelsize=8, labelfontfamily=FONT)
    if has_missing:
        figure.supxlabel(
            "grey: zero or not finite", x=0.99, ha="right", fontsize=8, color="#555555", **_text()
        )
    return figure


def _logarithms(gradient_rms: NDArray[np.float64]) -> tuple["np.ma.MaskedArray[Any, Any]", bool]:
    missing = ~(np.isfinite(gradient_rms) & (gradient_rms > 0))
    logarithms = np.log10(np.where(missing, 1.0, gradient_rms))
    return np.ma.masked_array(logarithms, missing), bool(missing.any())


def _range(logarithms: "np.ma.MaskedArray[Any, Any]") -> tuple[float, float]:
    known = logarithms.compressed()
    if not known.size:
        return -1.0, 1.0
    low, high = float(known.min()), float(known.max())
    # One value needs a scale around it, and a hair's breadth must not look like a gulf.
    widen = max(0.0, 0.5 - (high - low)) / 2
    return low - widen, high + widen


def _label(layer: str) -> str:
    label = _drawable(layer)
    return label if len(label) <= _MAX_NAME_LENGTH else label[: _MAX_NAME_LENGTH - 1] + "…"


def _drawable(text: str) -> str:
    known = _font().get_charmap()
    return "".join(character if ord(character) in known else "□" for character in text)


def _inches(texts: Sequence[str], *, size: float) -> float:
    """The width of the longest text in points of a size."""
    font = _font()
    font.set_size(size, 72)
    widths = []
    for text in texts:
        font.set_text(text)
        widths.append(font.get_width_height()[0] / 64 / 72)
    return float(max(widths))


def _font() -> Any:
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return get_font(findfont(FontProperties(family=FONT)))


def _text() -> dict[str, Any]:
    # A dollar sign in a name is no formula.
    return {"fontfamily": FONT, "parse_math": False}
