"""The pictures of the page on the Auto-Rotation are those that its script draws."""

import importlib
import xml.etree.ElementTree

import pytest

from tests.docs.blocks import ROOT

_MOST_BYTES = 200_000


@pytest.fixture
def drawing(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs" / "making")
    return importlib.import_module("rotation_pictures")


def test_script_draws_the_pictures_that_the_page_shows(drawing, tmp_path):
    page = (ROOT / "docs" / "auto-rotation.md").read_text(encoding="utf-8")
    for path in drawing.write(tmp_path):
        assert f"(pictures/{path.name})" in page
        committed = drawing.FOLDER / path.name
        assert committed.stat().st_size < _MOST_BYTES
        drawn, shown = (xml.etree.ElementTree.parse(one).getroot() for one in (path, committed))
        assert drawn.get("viewBox") == shown.get("viewBox")
