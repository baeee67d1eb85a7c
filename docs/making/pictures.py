"""Pictures of dashboards for the README and the pages, from a study that was run.

    python -m docs.making.pictures STUDY [--directory arnn-studies] [--out docs/pictures]

Those that are kept show this study, on two cores:

    arnn-search run --study poster --space poster-cnn --data digits --trials 48 --epochs 12 --workers 2
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from arnn_search.studies.study import Study
from arnn_search.tracking.dashboards import find_dashboard
from arnn_search.tracking.dashboards.page import page
from arnn_search.tracking.dashboards.render import render_one
from arnn_search.tracking.dashboards.summary import summarise
from arnn_search.tracking.study_reader import read_study
from arnn_search.tracking.study_view import StudyView
from tests.dashboards.browser import Page, browser

SHOWN = {"overview": "figure-0", "gradient-health": "figure-0"}
"""The dashboards that are shown, and the last figure of each that the picture holds."""
_WIDTH = 1280
_COLOURS = 256
_MOST_BYTES = 300_000


def main() -> None:
    """Makes the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("study")
    parser.add_argument("--directory", type=Path, default=Path("arnn-studies"))
    parser.add_argument("--out", type=Path, default=Path("docs/pictures"))
    given = parser.parse_args()
    shown = Study(given.study, directory=given.directory)
    view = read_study(str(shown.attributes["tracking_uri"]), shown.name)
    given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, browser(Path(name) / "profile") as tab:
        for picture in _pictures(view, tab, Path(name), given.out):
            print(f"{picture}: {picture.stat().st_size / 1000:.0f} kB")


def _pictures(view: StudyView, tab: Page, folder: Path, out: Path) -> Iterator[Path]:
    for dashboard, last in SHOWN.items():
        section = render_one(find_dashboard(dashboard), view)
        introduction = summarise(view).as_html() if dashboard == "overview" else ""
        file = folder / f"{dashboard}.html"
        file.write_text(page(f"{section.title}: {view.name}", [section], introduction=introduction))
        tab.open(file.as_uri(), width=_WIDTH)
        tab.wait_for("Number(document.documentElement.dataset.drawn || 0)")
        # Where no mouse hovers the buttons of a figure are shown all the time.
        tab.wait_for("document.querySelectorAll('.modebar').forEach(bar => bar.remove()) ?? true")
        bottom = tab.wait_for(f"document.getElementById('{last}').getBoundingClientRect().bottom")
        picture = out / f"{dashboard.replace('-', '_')}.png"
        tab.screenshot(picture, size=(_WIDTH, round(bottom)))
        _reduce(picture)
        yield picture


def _reduce(picture: Path) -> None:
    """Fewer colours, of which such a picture has few."""
    with Image.open(picture) as image:
        reduced = image.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    reduced.save(picture, optimize=True)
    if picture.stat().st_size > _MOST_BYTES:
        raise SystemExit(f"{picture} has {picture.stat().st_size} bytes; {_MOST_BYTES} is the most.")


if __name__ == "__main__":
    main()
