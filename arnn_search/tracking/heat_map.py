"""The picture of a trial's gradients: layers from input to output, epochs from left to right.

Every trial of a study gets one, so it must cost little: Matplotlib gives colours, ticks and the font, but to
lay out and draw a figure of its own takes it ten times as long as Pillow.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from arnn_search.tracking.lettering import Label, drawable, upright, width_of

if TYPE_CHECKING:
    from PIL.Image import Image

MISSING_COLOUR = "#b8b8b8"
_MAX_NAME_LENGTH = 32

# In pixels, as everything here.
WIDTH = 990
_SMALL, _MEDIUM, _LARGE = 12.2, 13.75, 15.3
_LINE = 20
_TICK, _GAP = 5, 5
_BAR_LEFT, _BAR_RIGHT = 16, 38
"""Edges of the colour bar, right of the map."""
_BESIDE = 138
"""What the bar takes with its ticks and its label."""
_WIDEST_LETTER = 9.7
"""On average, of a title."""


@dataclass(frozen=True)
class HeatMap:
    """A heat map that is laid out, but not drawn.

    Attributes:
        logarithms: log10 of the gradients' root mean square; shape (layers, epochs), nan is missing.
        limits: the values at the ends of the colour scale.
        box: where the map is: left, top, right and bottom.
        height: of the whole picture.
        names: of the layers, from top to bottom.
        others: all other horizontal texts.
        epochs: the epochs that have a tick, and where it is.
        values: the values that have a tick beside the colour bar, and where it is.
    """

    logarithms: NDArray[np.float64]
    limits: tuple[float, float]
    box: tuple[int, int, int, int]
    height: int
    names: tuple[Label, ...]
    others: tuple[Label, ...]
    epochs: dict[int, int]
    values: dict[str, int]

    @property
    def cells(self) -> NDArray[np.uint8]:
        """The colours of the map; shape (layers, epochs, 3)."""
        low, high = self.limits
        return _colours((self.logarithms - low) / (high - low))

    def draw(self) -> "Image":
        """The picture."""
        from PIL import Image, ImageDraw

        picture = Image.new("RGB", (WIDTH, self.height), "white")
        draw = ImageDraw.Draw(picture)
        _, top, right, bottom = self.box
        bar = (right + _BAR_LEFT, top, right + _BAR_RIGHT, bottom)
        scale = _colours(np.linspace(1.0, 0.0, bottom - top))[:, np.newaxis]
        for (x, y, end, foot), colours in ((self.box, self.cells), (bar, scale)):
            picture.paste(Image.fromarray(_enlarged(colours, end - x, foot - y)), (x, y))
            draw.rectangle((x, y, end, foot), outline="black")
        for x in self.epochs.values():
            draw.line((x, bottom, x, bottom + _TICK), fill="black")
        for y in self.values.values():
            draw.line((bar[2], y, bar[2] + _TICK, y), fill="black")
        for label in (*self.names, *self.others):
            label.draw(draw)
        layer = upright("layer, input at the top", _MEDIUM)
        picture.paste(layer, (round(self.names_left) - layer.width - 7, (top + bottom - layer.height) // 2))
        unit = upright("log₁₀ of the gradient's RMS (loss per unit of weight)", _SMALL)
        x = bar[2] + _TICK + _GAP + round(width_of(self.values, _SMALL)) + 6
        picture.paste(unit, (x, min(max((top + bottom - unit.height) // 2, 0), self.height - unit.height)))
        return picture

    @property
    def names_left(self) -> float:
        """Where the longest name begins."""
        return min(label.box[0] for label in self.names)


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
    # More effort takes five times as long and saves a fiftieth of the file.
    heat_map(gradient_rms, layers, title=title).draw().save(picture_path, format="png", compress_level=3)


def heat_map(gradient_rms: NDArray[np.float64], layers: Sequence[str], *, title: str) -> HeatMap:
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
    logarithms = _logarithms(gradient_rms)
    limits = _limits(logarithms)
    num_epochs, num_layers = gradient_rms.shape
    has_missing = bool(np.isnan(logarithms).any())
    names = [_shortened(layer) for layer in layers]
    height = 209 + max(176, 22 * num_layers)
    left = round(53 + width_of(names, _SMALL))
    lines = _wrapped(title, num_letters=min(88, int((WIDTH - left) / _WIDEST_LETTER)))
    top, right, bottom = 33 + _LINE * len(lines), WIDTH - _BESIDE, height - (83 if has_missing else 66)
    across, down = (right - left) / num_epochs, (bottom - top) / num_layers
    epochs = {
        round(tick): round(left + (tick - 0.5) * across)
        for tick in _ticks(0.5, num_epochs + 0.5, nbins=12, integer=True, min_n_ticks=1)
    }
    low, high = limits
    ticks = _ticks(low, high, nbins=9, steps=[1, 2, 2.5, 5, 10])
    places = [round(bottom - (bottom - top) * (tick - low) / (high - low)) for tick in ticks]
    values = dict(zip(_in_words(ticks), places, strict=True))
    beside, below = right + _BAR_RIGHT + _TICK + _GAP, bottom + _TICK + _GAP
    others = [
        Label(line, left, top - 9 - _LINE * (len(lines) - 1 - n), "ls", _LARGE)
        for n, line in enumerate(lines)
    ]
    others += [Label(str(epoch), x, below, "ma", _SMALL) for epoch, x in epochs.items()]
    others += [Label(text, beside, y, "lm", _SMALL) for text, y in values.items()]
    others.append(Label("epoch", (left + right) / 2, below + _LINE, "ma", _MEDIUM))
    if has_missing:
        note = "grey: zero or not finite"
        others.append(Label(note, WIDTH - 10, height - 7, "rd", _SMALL, colour="#555555"))
    return HeatMap(
        logarithms=logarithms.T,
        limits=limits,
        box=(left, top, right, bottom),
        height=height,
        names=tuple(
            Label(name, left - _GAP, top + (depth + 0.5) * down, "rm", _SMALL)
            for depth, name in enumerate(names)
        ),
        others=tuple(others),
        epochs=epochs,
        values=values,
    )


def _logarithms(gradient_rms: NDArray[np.float64]) -> NDArray[np.float64]:
    known = np.isfinite(gradient_rms) & (gradient_rms > 0)
    return np.where(known, np.log10(np.where(known, gradient_rms, 1.0)), np.nan)


def _limits(logarithms: NDArray[np.float64]) -> tuple[float, float]:
    known = logarithms[~np.isnan(logarithms)]
    if not known.size:
        return -1.0, 1.0
    low, high = float(known.min()), float(known.max())
    # One value needs a scale around it, and a hair's breadth must not look like a gulf.
    widen = max(0.0, 0.5 - (high - low)) / 2
    return low - widen, high + widen


def _colours(shares: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Colours of shares of the scale in [0, 1], or nan; one more axis of length 3."""
    from matplotlib import colormaps

    scale = colormaps["viridis"].with_extremes(bad=MISSING_COLOUR)
    colours: NDArray[np.uint8] = np.asarray(scale(np.ma.masked_invalid(shares), bytes=True), np.uint8)
    return colours[..., :3]


def _enlarged(colours: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Each colour as the rectangle that is its share of a picture; shape (height, width, 3)."""
    rows = ((np.arange(height) + 0.5) * colours.shape[0] / height).astype(int)
    columns = ((np.arange(width) + 0.5) * colours.shape[1] / width).astype(int)
    enlarged: NDArray[np.uint8] = colours[rows][:, columns]
    return enlarged


def _ticks(low: float, high: float, **how: Any) -> list[float]:
    from matplotlib.ticker import MaxNLocator

    ticks = MaxNLocator(**how).tick_values(low, high)
    return [float(tick) for tick in ticks if low <= tick <= high]


def _in_words(ticks: Sequence[float]) -> list[str]:
    """Numbers with as many decimals as they need, all with the same."""
    decimals = next(
        d for d in range(20) if d == 19 or np.allclose(np.round(ticks, d), ticks, rtol=0, atol=1e-9)
    )
    return [f"{tick + 0.0:.{decimals}f}".replace("-", "\N{MINUS SIGN}") for tick in ticks]


def _wrapped(title: str, *, num_letters: int) -> list[str]:
    return textwrap.wrap(drawable(title), num_letters, max_lines=2, placeholder=" …")


def _shortened(layer: str) -> str:
    name = drawable(layer)
    return name if len(name) <= _MAX_NAME_LENGTH else name[: _MAX_NAME_LENGTH - 1] + "…"
