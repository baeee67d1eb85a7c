"""Text in pictures, in one font that looks the same on every machine."""

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

_FONT = "DejaVuSans.ttf"
"""Ships with Matplotlib."""

UNKNOWN = "□"
"""Stands for a character that the font lacks."""


@dataclass(frozen=True)
class Label:
    """A horizontal text in a picture.

    Attributes:
        text: what it says.
        x: where its anchor is, in pixels from the left.
        y: the same from the top.
        anchor: which place in the text is there, in Pillow's letters: `rm` is at the right, in the middle.
        size: of the font, in pixels.
        colour: of the letters.
    """

    text: str
    x: float
    y: float
    anchor: str
    size: float
    colour: str = "black"

    @property
    def box(self) -> tuple[float, float, float, float]:
        """What its letters cover: left, top, right and bottom in pixels."""
        left, top, right, bottom = font(self.size).getbbox(self.text, anchor=self.anchor)
        return self.x + left, self.y + top, self.x + right, self.y + bottom

    def draw(self, draw: "ImageDraw") -> None:
        """Write it."""
        draw.text((self.x, self.y), self.text, self.colour, font(self.size), self.anchor)


@functools.cache
def font(size: float) -> "FreeTypeFont":
    """The font.

    Args:
        size: in pixels.
    """
    from PIL import ImageFont

    # Where Raqm is installed, Pillow would set some texts in another way.
    return ImageFont.truetype(_font_path(), size, layout_engine=ImageFont.Layout.BASIC)


def drawable(text: str) -> str:
    """A text with `UNKNOWN` in the place of each character that the font lacks."""
    known = _characters()
    return "".join(character if ord(character) in known else UNKNOWN for character in text)


def width_of(texts: Iterable[str], size: float) -> float:
    """The width of the longest text in pixels; 0 if there is none.

    Args:
        texts: each on one line.
        size: of the font, in pixels.
    """
    return max((font(size).getlength(text) for text in texts), default=0.0)


@functools.lru_cache(maxsize=16)
def upright(text: str, size: float) -> "Image":
    """A picture of a text that reads from the bottom to the top.

    Args:
        text: black on white.
        size: of the font, in pixels.
    """
    from PIL import Image, ImageDraw

    left, top, right, bottom = (int(edge) for edge in font(size).getbbox(text))
    picture = Image.new("RGB", (right - left + 2, bottom - top + 2), "white")
    ImageDraw.Draw(picture).text((1 - left, 1 - top), text, "black", font(size))
    return picture.transpose(Image.Transpose.ROTATE_90)


@functools.cache
def _font_path() -> str:
    import matplotlib

    return str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / _FONT)


@functools.cache
def _characters() -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(_font_path()).get_charmap())
