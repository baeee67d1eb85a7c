"""The documentation as a site: built with every warning an error, complete, and without a network."""

import os
import re
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        # No proxy answers: whatever the build would fetch fails.
        env=os.environ
        | {
            "NO_MKDOCS_2_WARNING": "1",
            "https_proxy": "http://127.0.0.1:9",
            "http_proxy": "http://127.0.0.1:9",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_pages_load_nothing_from_elsewhere(site):
    loads = re.compile(r"""<(?:script|img|iframe|source|link)\b[^>]*?(?:src|href)=["'](?:https?:)?//[^"']+""")
    found = {
        str(path.relative_to(site)): loads.findall(path.read_text(encoding="utf-8"))
        for path in site.rglob("*.html")
    }
    assert found
    assert not {name: addresses for name, addresses in found.items() if addresses}
    styles = [path.read_text(encoding="utf-8") for path in site.rglob("*.css")]
    assert styles
    assert not [text for text in styles if re.search(r"url\(['\"]?(?:https?:)?//", text)]


def test_reference_has_every_public_name(site):
    from arnn_search import blocks, data, errors, export, health, layers, testing

    modules = (layers, data, testing, health)
    public = [name for module in modules for name in module.__all__]
    public += [name for name in export.__all__ if name[0].isupper()]
    public += ["search", "Study", "load_space", "fold", "describe"]
    for module in (blocks, errors):
        public += [
            name for name, one in vars(module).items() if getattr(one, "__module__", "") == module.__name__
        ]
    described = {name.rpartition(".")[2] for name in _described_objects(site / "objects.inv")}
    assert not {name for name in public if not name.startswith("_")} - described


def test_every_page_is_reached_from_the_navigation(site):
    start = (site / "index.html").read_text(encoding="utf-8")
    linked = set(re.findall(r'href="([\w/-]+\.html)', start)) | {"index.html", "404.html"}
    assert {str(path.relative_to(site)) for path in site.rglob("*.html")} == linked


def _described_objects(inventory):
    """The names in a Sphinx inventory: four lines of text, then one compressed line for each."""
    content = inventory.read_bytes().split(b"\n", 4)[4]
    return {line.split()[0] for line in zlib.decompress(content).decode().splitlines() if line}
