"""Figures as files."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DOTS_PER_INCH = 110


def save_figure(make: Callable[[], "Figure"], directory: Path, stem: str) -> list[Path]:
    """Writes a figure as SVG and PNG, the same bytes for the same figure; returns the paths.

    Args:
        make: makes the figure, in the style in which it is saved.
        directory: made if it is missing.
        stem: the files' name.
    """
    from matplotlib import rc_context

    directory.mkdir(parents=True, exist_ok=True)
    paths = [directory / f"{stem}.svg", directory / f"{stem}.png"]
    with rc_context({"svg.hashsalt": "arnn-search", "font.family": "DejaVu Sans"}):
        figure = make()
        for path in paths:
            metadata: dict[str, Any] = {"Date": None} if path.suffix == ".svg" else {}
            figure.savefig(path, dpi=_DOTS_PER_INCH, metadata=metadata)
    return paths
