"""Where an export goes: one file, or a folder with one entry per format; nothing is overwritten unasked."""

import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from arnn_search.errors import ExportError
from arnn_search.export.formats import FORMATS, ExportFormat, find_formats, format_of_file


@dataclass(frozen=True)
class Destination:
    """Where the files go in the end, and where they are until they are verified.

    Attributes:
        path: the file, or the folder.
        formats: what is written.
        is_folder: whether `path` is a folder.
    """

    path: Path
    formats: tuple[ExportFormat, ...]
    is_folder: bool

    @property
    def staging(self) -> Path:
        """A folder beside `path` for what is not verified yet."""
        return self.path.with_name(f".{self.path.name}.unverified")

    def prepare(self) -> None:
        """Makes the staging folder, empty.

        Raises:
            ExportError: it cannot be written there.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(self.staging, ignore_errors=True)
            self.staging.mkdir()
        except OSError as error:
            raise ExportError(
                f"{self.path} cannot be written ({error.strerror}): give another --out."
            ) from error

    def staged(self) -> dict[str, Path]:
        """Where each format is written at first, by its name."""
        return {entry.name: self.staging / entry.file_name for entry in self.formats}

    def final(self, entry: ExportFormat) -> Path:
        """Where a format is in the end."""
        return self.path / entry.file_name if self.is_folder else self.path

    def deliver(self, entry: ExportFormat) -> Path:
        """Moves a verified format to its place."""
        final = self.final(entry)
        final.parent.mkdir(parents=True, exist_ok=True)
        for name in (entry.file_name, *entry.other_files):
            target = final if not self.is_folder else self.path / name
            _replace(self.staging / name, target)
        return final


def plan_destination(path: Path, formats: Iterable[str] | None, *, overwrite: bool) -> Destination:
    """Decides between a file and a folder, and checks that nothing is in the way.

    Args:
        path: ends like a single file (`.keras`, `.onnx`, `.tflite`), or names a folder.
        formats: names of formats; None for the one of the file's ending, or all of them in a folder.
        overwrite: whether files may be replaced; others in the folder stay.

    Raises:
        UnknownNameError: there is no such format.
        ExportError: something is in the way, or a package is missing.
    """
    single = format_of_file(path)
    if formats is None:
        # All that can be written here; what was asked for by name must be possible, or is an error.
        entries = [single] if single else [entry for entry in FORMATS.values() if entry.is_installed]
    else:
        entries = find_formats(formats)
    if not entries:
        raise ExportError(f"No format was given. Known: {', '.join(FORMATS)}.")
    for entry in entries:
        entry.check_installed()
    is_file = single is not None and [single] == entries
    if single is None and formats is None and re.fullmatch(r"\.[A-Za-z]\w*", path.suffix):
        endings = ", ".join(entry.suffix for entry in FORMATS.values() if entry.suffix)
        raise ExportError(
            f"A single file must end in {endings}; a folder, with every format in it, needs a name without "
            f"an ending. Received: {str(path)!r}."
        )
    if single is not None and not is_file:
        raise ExportError(
            f"{path} ends like one {single.name} file, and the formats are "
            f"{', '.join(entry.name for entry in entries)}: give a folder, without such an ending."
        )
    if path.is_dir() and is_file:
        raise ExportError(f"{path} is a folder. Give another name for the file.")
    if path.exists() and not path.is_dir() and not is_file:
        raise ExportError(f"{path} is a file, and a folder is needed: give another --out.")
    is_there = any(path.iterdir()) if path.is_dir() else path.exists()
    if is_there and not overwrite:
        raise ExportError(
            f"{path} exists already{'' if is_file else ' and is not empty'}. Give another name, or --force "
            f"to replace {'it' if is_file else 'the files of an earlier export in it'}."
        )
    return Destination(path, tuple(entries), not is_file)


def _replace(source: Path, target: Path) -> None:
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    source.replace(target)
