"""Reads the code blocks of a page and runs them, in order, as somebody who follows the page would.

A fence says what is done with it:

- `python`: run, with the names of the page's earlier blocks;
- any language with a file's name as its title: written to that file, for the blocks that follow;
- `sh`: each command is run in this process, made smaller as `SMALLER` says;
- `sh` with the title `Checked, not run: REASON`: its commands are parsed by the command line itself, and what
  `run` would do is planned;
- `text`: what a command prints, and not looked at.
"""

import importlib.util
import os
import re
import runpy
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import typer

from arnn_search.cli import main as command_line
from arnn_search.data import available_sources
from arnn_search.studies.config import StudyConfig, make_config

ROOT = Path(__file__).parents[2]
ONLY_CHECKED = "Checked, not run: "
LANGUAGES = {"python", "sh", "text", "toml"}

SMALLER = {
    "run": (
        *("--trials", "1", "--epochs", "1", "--max-train-samples", "128"),
        *("--workers", "1", "--no-mlflow", "--quiet"),
    ),
}
"""What is added to a command before it is run; the last of two equal options counts."""

_FENCE = re.compile(r"^( *)```(.*?)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`(arnn-search [^`]+)`")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        place: page and line.
        language: the first word of the fence.
        title: what the fence gives as title.
        text: the content.
    """

    place: str
    language: str
    title: str
    text: str

    @property
    def is_only_checked(self) -> bool:
        """Whether the page says that this is not run, and why."""
        return self.title.startswith(ONLY_CHECKED)

    @property
    def is_file(self) -> bool:
        """Whether the page tells its reader to make a file of it."""
        return bool(self.title) and not self.is_only_checked


def pages() -> list[Path]:
    """The README and every page that is written by hand."""
    return [ROOT / "README.md", ROOT / "benchmarks" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def read_blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    blocks = []
    for match in _FENCE.finditer(text):
        language, _, rest = match[2].partition(" ")
        title = re.search(r'title="([^"]*)"', rest)
        content = "\n".join(line.removeprefix(match[1]) for line in match[3].split("\n"))
        line = text.count("\n", 0, match.start()) + 1
        blocks.append(Block(f"{page.name}:{line}", language, title[1] if title else "", content))
    return blocks


def inline_commands(page: Path) -> list[list[str]]:
    """The commands in running text and in tables: what stands in capitals or brackets is left open there."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    return [shlex.split(found.replace("\\|", "|")) for found in _INLINE.findall(text)]


def commands(block: Block) -> Iterator[list[str]]:
    """The commands of a `sh` block, as words."""
    for line in block.text.replace("\\\n", " ").splitlines():
        words: list[str] = []
        for word in [*shlex.split(line, comments=True), "&&"]:
            if word != "&&":
                words.append(word)
            elif words:
                yield words
                words = []


def check(words: list[str]) -> None:
    """Parses a command without running it."""
    if words[0] == "arnn-search":
        values = parse(words)
        if words[1] in ("run", "resume"):
            keys = {name: value for name, value in values.items() if name in StudyConfig.model_fields}
            config = make_config({name: value for name, value in keys.items() if value not in (None, [], ())})
            if words[1] == "run" and config.storage is None:
                _run_ours([*words[1:], "--plan"])
    elif "pip" in words:
        _check_extras(words)
    elif words[:2] == ["python", "-m"]:
        assert importlib.util.find_spec(words[2]) is not None, words
    else:
        assert words[0] in ("git", "cd"), words


def run(words: list[str]) -> None:
    """Runs a command, made smaller."""
    program, *arguments = words
    if program == "arnn-search":
        _run_ours([*_on_small_data(arguments), *SMALLER.get(arguments[0], ())])
    elif program == "python" and len(words) == 2:
        runpy.run_path(arguments[0], run_name="__main__")
    elif program in ("cat", "ls", "mkdir"):
        subprocess.run(words, check=True, capture_output=True)
    else:
        raise AssertionError(f"The reader does not know {program!r}: {' '.join(words)}")


def parse(words: list[str]) -> dict[str, object]:
    """The options and arguments of a command of `arnn-search`, as the command line reads them."""
    command = typer.main.get_command(command_line.app)
    while True:
        context = command.make_context(words[0], list(words[1:]))
        if not hasattr(command, "commands"):
            return context.params
        rest = [*context._protected_args, *context.args]
        _, command, rest = command.resolve_command(context, rest)
        words = [command.name, *rest]


def write(block: Block) -> None:
    """Makes the file that a block is."""
    path = Path(block.title)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.text, encoding="utf-8")
    if block.language == "python":
        compile(block.text, block.place, "exec")
    elif block.language == "toml":
        make_config(tomllib.loads(block.text))


def _run_ours(arguments: list[str]) -> None:
    command = typer.main.get_command(command_line.app)
    code = command.main(args=arguments, prog_name="arnn-search", standalone_mode=False)
    assert code in (None, 0), (code, arguments)


def _on_small_data(arguments: list[str]) -> list[str]:
    """With the digits for any other data set that has a name: some are large, or somewhere else."""
    named = {source.name for source in available_sources()} - {"breast-cancer", "diabetes", "wine"}
    return ["digits" if before == "--data" and word in named else word for before, word in _pairs(arguments)]


def _pairs(words: list[str]) -> Iterator[tuple[str, str]]:
    return zip(["", *words[:-1]], words, strict=True)


def _check_extras(words: list[str]) -> None:
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for extras in re.findall(r"\[([\w,]+)\]", " ".join(words)):
        assert set(extras.split(",")) <= set(known), words
    assert os.path.basename(words[0]) in ("pip", "python"), words
