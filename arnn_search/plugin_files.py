"""Plugins that are files: a path, the local folder, the built-in ones, and installed entry points.

A declaration is read from the file's text alone. Importing it would load heavy libraries into a process that
may have to stay light, and would run somebody's code where a mere list was asked for.
"""

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from arnn_search.bundled import bundled_directory
from arnn_search.errors import ArnnSearchError, UnknownNameError


@dataclass(frozen=True)
class PluginFile:
    """A plugin as it is declared, not yet loaded.

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


@dataclass(frozen=True)
class PluginKind:
    """One kind of plugin: where its files lie, and what each of them has to define.

    Attributes:
        noun: what one is called, for example `"search space"`.
        folder: name of the local and of the built-in folder, and of the entry-point group.
        function: the function that a file defines, with its arguments, for example `"build(hp, data)"`.
        error: what is raised for a file that cannot be used.
        hint: what helps when a name is unknown.
    """

    noun: str
    folder: str
    function: str
    error: type[ArnnSearchError]
    hint: str

    @property
    def entry_point_group(self) -> str:
        """The group under which installed packages offer theirs."""
        return f"arnn_search.{self.folder}"

    def find(self, name_or_path: str, *, directory: Path | None = None) -> PluginFile:
        """Finds one plugin.

        Args:
            name_or_path: a path that ends in `.py`, or a name.
            directory: the folder whose subfolder counts as local; by default the current one.

        Raises:
            UnknownNameError: there is no such name; lists the nearest names.
            ArnnSearchError: of this kind's class: the file is missing or unusable, or a name is taken twice.
        """
        if name_or_path.endswith(".py"):
            path = Path(name_or_path).expanduser()
            if not path.is_file():
                raise self.error(f"There is no {self.noun} file {name_or_path!r} (in {Path.cwd()}).")
            return self.read(path.resolve(), origin="given path")
        places = self.places(directory or Path.cwd())
        if name_or_path not in places:
            raise UnknownNameError(self.noun, name_or_path, places, hint=self.hint)
        path, origin = places[name_or_path]
        return self.read(path, origin=origin)

    def find_all(self, directory: Path | None = None) -> list[PluginFile | ArnnSearchError]:
        """Every plugin that can be found by name, in order of the names; an error stands for an unusable one.

        Raises:
            ArnnSearchError: of this kind's class: a name is defined twice.
        """
        found: list[PluginFile | ArnnSearchError] = []
        for _, (path, origin) in sorted(self.places(directory or Path.cwd()).items()):
            try:
                found.append(self.read(path, origin=origin))
            except self.error as error:
                found.append(error)
        return found

    def read(self, path: Path, *, origin: str) -> PluginFile:
        """Reads the declaration of a file without running it.

        Raises:
            ArnnSearchError: of this kind's class, with the file and the line of what is wrong.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise self.error(f"{path}: cannot be read: {error}.") from error
        try:
            tree = ast.parse(text, filename=str(path))
        except SyntaxError as error:
            source_line = (error.text or "").strip()
            raise self.error(f"{path}, line {error.lineno}: {error.msg}: {source_line}") from error
        if self.function.partition("(")[0] not in _top_level_names(tree):
            raise self.error(f"{path}, line 1: a {self.noun} defines `{self.function}`; this file does not.")
        description = ast.get_docstring(tree)
        if not description:
            raise self.error(
                f"{path}, line 1: a {self.noun} starts with a docstring that says what it holds."
            )
        return PluginFile(plugin_name(path), path, origin, description, text)

    def places(self, directory: Path) -> dict[str, tuple[Path, str]]:
        """The file of each name, and where it was found in words.

        Raises:
            ArnnSearchError: of this kind's class: a name is defined twice; names both places.
        """
        local = directory / self.folder
        built_in = bundled_directory(self.folder)
        places = [(path, f"./{self.folder}") for path in sorted(local.glob("*.py"))]
        if local.resolve() != built_in.resolve():  # in a checkout the local folder is the built-in one
            places += [(path, "built-in") for path in sorted(built_in.glob("*.py"))]
        points = installed_entry_points(self.entry_point_group)
        places += [(self._module_path(point), f"entry point {point.value}") for point in points]
        names: dict[str, tuple[Path, str]] = {}
        for path, origin in places:
            if path.name.startswith("_"):
                continue
            name = plugin_name(path)
            if name in names:
                other, other_origin = names[name]
                raise self.error(
                    f"The {self.noun} {name!r} is defined twice: {other} ({other_origin}) and {path} "
                    f"({origin}). Rename one of the files."
                )
            names[name] = (path.resolve(), origin)
        return names

    def _module_path(self, point: EntryPoint) -> Path:
        module = find_spec(point.module)
        if module is None or module.origin is None:
            raise self.error(f"Entry point {point.value!r} ({self.entry_point_group}) names no module file.")
        return Path(module.origin)


def plugin_name(path: Path) -> str:
    """The name under which a file is found: its stem, with dashes for underscores."""
    return path.stem.replace("_", "-")


def installed_entry_points(group: str) -> Sequence[EntryPoint]:
    """The entry points of a group, in the order of what they name."""
    return sorted(entry_points(group=group), key=lambda point: point.value)


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
