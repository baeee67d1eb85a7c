"""What mkdocs calls while it builds the site: pages and tables that are made from the program itself."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from commands import commands_page
from configuration import configuration_page
from mkdocs.structure.files import File
from tables import TABLES

_ROOT = Path(__file__).parents[2]
_TABLE = re.compile(r"<!-- table: ([\w ]+) -->")
_REPORT = "study-report.md"
_INTRODUCTION = """# The search itself, on Fashion-MNIST

Does a search find by itself where rotating helps, and what wins overall? Below is what `arnn-search report`
says of a study on Fashion-MNIST, as it was printed; the configuration at its end repeats it.
"""


def _changelog() -> str:
    return (_ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def _benchmarks() -> str:
    return (_ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")


PAGES: dict[str, Callable[[], str]] = {
    "reference/commands.md": commands_page,
    "reference/configuration.md": configuration_page,
    "benchmarks.md": _benchmarks,
    "changelog.md": _changelog,
}


def on_config(config: Any) -> Any:
    """Leaves pages that do not exist out of the navigation, and adds those that it does not name."""
    folder = Path(config["docs_dir"])
    named: list[str] = []
    config["nav"] = _existing(config["nav"], folder, named)
    others = sorted({path.name for path in folder.glob("*.md")} - set(named))
    config["nav"].extend(others)
    return config


def on_files(files: Any, *, config: Any) -> Any:
    """Adds the pages that are generated."""
    for name, page in PAGES.items():
        files.append(File.generated(config, name, content=page()))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Puts tables where a page says `<!-- table: NAME -->`; a report without a heading is introduced."""
    if page.file.src_uri == _REPORT and not markdown.startswith("# "):
        markdown = f"{_INTRODUCTION}\n{markdown}"
    return _TABLE.sub(lambda match: TABLES[match[1]](), markdown)


def _existing(entries: list[Any], folder: Path, named: list[str]) -> list[Any]:
    kept: list[Any] = []
    for entry in entries:
        title, target = next(iter(entry.items())) if isinstance(entry, dict) else (None, entry)
        if isinstance(target, list):
            kept.append({title: _existing(target, folder, named)})
        elif target in PAGES or (folder / target).is_file():
            named.append(target)
            kept.append(entry)
    return kept
