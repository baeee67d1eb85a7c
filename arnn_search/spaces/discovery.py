"""Finding search spaces: a path, `./search_spaces/*.py`, the built-in ones, and installed entry points.

A declaration is read from the file's text alone. Importing it would load Keras into a process that may have
to stay light, and would run somebody's code where a mere list was asked for.
"""

import ast
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from arnn_search.bundled import bundled_directory
from arnn_search.errors import SpaceError, UnknownNameError

ENTRY_POINT_GROUP = "arnn_search.search_spaces"
LOCAL_DIRECTORY = "search_spaces"


@dataclass(frozen=True)
class SpaceFile:
    """A search space as it is declared, not yet loaded.

    Attributes:
        name: how it is addressed: the file's stem with dashes.
        path: the file, absolute.
        origin: where it was found, in words.
        description: its docstring.
        text: the file's text, as it was read.
    """

    name: str
    path: Path
    origin: str
    description: str
    text: str

    @property
    def summary(self) -> str:
        """The docstring's first line."""
        return self.description.strip().partition("\n")[0]

    @property
    def digest(self) -> str:
        """SHA-256 of the text, in hexadecimal."""
        return sha256(self.text.encode()).hexdigest()


def find_space(name_or_path: str, *, directory: Path | None = None) -> SpaceFile:
    """Finds one search space.

    Args:
        name_or_path: a path that ends in `.py`, or the name of a space.
        directory: the folder whose `search_spaces/` counts as local; by default the current one.

    Raises:
        UnknownNameError: there is no such name or file; lists the nearest names.
        SpaceError: the file cannot be read, is no valid Python, or lacks `build` or a docstring.
    """
    if name_or_path.endswith(".py"):
        path = Path(name_or_path).expanduser()
        if not path.is_file():
            raise SpaceError(f"There is no search space file {name_or_path!r} (in {Path.cwd()}).")
        return read_space_file(path.resolve(), origin="given path")
    candidates = _candidates(directory or Path.cwd())
    if name_or_path not in candidates:
        raise UnknownNameError(
            "search space",
            name_or_path,
            candidates,
            hint="See `arnn-search spaces list`, or give a .py file.",
        )
    path, origin = candidates[name_or_path]
    return read_space_file(path, origin=origin)


def find_spaces(directory: Path | None = None) -> list[SpaceFile | SpaceError]:
    """Every space that can be found by name, in order of the names; an error stands for an unusable one."""
    found: list[SpaceFile | SpaceError] = []
    for _, (path, origin) in sorted(_candidates(directory or Path.cwd()).items()):
        try:
            found.append(read_space_file(path, origin=origin))
        except SpaceError as error:
            found.append(error)
    return found


def space_name(path: Path) -> str:
    """The name under which a file is found: its stem, with dashes for underscores."""
    return path.stem.replace("_", "-")


def read_space_file(path: Path, *, origin: str) -> SpaceFile:
    """Reads the declaration of a file without running it.

    Raises:
        SpaceError: with the file and the line of what is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpaceError(f"{path}: cannot be read: {error}.") from error
    try:
        tree = ast.parse(text, filename=str(path))
    except SyntaxError as error:
        source_line = (error.text or "").strip()
        raise SpaceError(f"{path}, line {error.lineno}: {error.msg}: {source_line}") from error
    if "build" not in _top_level_names(tree):
        raise SpaceError(f"{path}, line 1: a search space defines `build(hp, data)`; this file does not.")
    description = ast.get_docstring(tree)
    if not description:
        raise SpaceError(f"{path}, line 1: a search space starts with a docstring that says what it holds.")
    return SpaceFile(space_name(path), path, origin, description, text)


def _candidates(directory: Path) -> dict[str, tuple[Path, str]]:
    local = directory / LOCAL_DIRECTORY
    built_in = bundled_directory("search_spaces")
    places = [(path, f"./{LOCAL_DIRECTORY}") for path in sorted(local.glob("*.py"))]
    if local.resolve() != built_in.resolve():  # in a checkout the local folder is the built-in one
        places += [(path, "built-in") for path in sorted(built_in.glob("*.py"))]
    places += [(_module_path(point), f"entry point {point.value}") for point in _entry_points()]
    names: dict[str, tuple[Path, str]] = {}
    for path, origin in places:
        if path.name.startswith("_"):
            continue
        name = space_name(path)
        if name in names:
            other, other_origin = names[name]
            raise SpaceError(
                f"The search space {name!r} is defined twice: {other} ({other_origin}) and {path} "
                f"({origin}). Rename one of the files."
            )
        names[name] = (path.resolve(), origin)
    return names


def _entry_points() -> list[EntryPoint]:
    return sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.value)


def _module_path(point: EntryPoint) -> Path:
    module = find_spec(point.module)
    if module is None or module.origin is None:
        raise SpaceError(f"Entry point {point.value!r} ({ENTRY_POINT_GROUP}) names no module file.")
    return Path(module.origin)


def _top_level_names(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names |= {alias.asname or alias.name for alias in node.names}
    return names
