"""The formats of an export, by name: one file each, and one way to write, to open and to verify them."""

from collections.abc import Iterable
from pathlib import Path

from arnn_search.errors import UnknownNameError
from arnn_search.export.formats.config_file import ConfigFile
from arnn_search.export.formats.format import ExportFormat
from arnn_search.export.formats.keras_file import KerasFile
from arnn_search.export.formats.litert_file import LitertFile
from arnn_search.export.formats.onnx_file import OnnxFile
from arnn_search.export.formats.python_module import PythonModule
from arnn_search.export.formats.saved_model import SavedModel

FORMATS: dict[str, ExportFormat] = {
    entry.name: entry
    for entry in (KerasFile(), SavedModel(), OnnxFile(), LitertFile(), PythonModule(), ConfigFile())
}


def find_formats(names: Iterable[str]) -> list[ExportFormat]:
    """The formats of these names, each once.

    Raises:
        UnknownNameError: there is no such format; lists the nearest.
    """
    found: dict[str, ExportFormat] = {}
    for name in names:
        if name not in FORMATS:
            raise UnknownNameError("format", name, FORMATS)
        found[name] = FORMATS[name]
    return list(found.values())


def format_of_file(path: Path) -> ExportFormat | None:
    """The format that a single file's ending stands for; None if it is none's."""
    return next((entry for entry in FORMATS.values() if entry.suffix and entry.suffix == path.suffix), None)


__all__ = ["FORMATS", "ExportFormat", "find_formats", "format_of_file"]
