"""The rooms of the package, and who may import whom: downwards only, and MLflow in one room alone."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "arnn_search"

MAY_IMPORT = {
    "layers": set(),
    "health": set(),
    "data": set(),
    "spaces": {"layers", "data"},
    "trials": {"spaces", "health", "data", "layers"},
    "tracking": set(),
    "execution": {"trials"},
    "studies": {"health", "execution", "tracking", "trials", "spaces", "data", "export"},
    "export": {"layers", "data", "execution", "studies", "tracking"},
    "matched": {"studies", "tracking"},
    "reproduce": {"matched", "studies", "execution", "tracking", "spaces", "layers", "data"},
    "explain": {"matched", "studies", "tracking", "trials", "spaces", "layers", "data"},
    "testing": {"studies", "spaces"},
    "cli": {"explain", "reproduce", "studies", "export", "execution", "tracking", "spaces", "data", "trials"},
}
"""Rooms that each room may import from; every room may use the package's own top-level modules."""

FILES = sorted(path for path in PACKAGE.rglob("*.py") if len(path.relative_to(PACKAGE).parts) > 1)


def _imported_modules(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module == "arnn_search":
                yield from (f"arnn_search.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_downwards(path):
    room = path.relative_to(PACKAGE).parts[0]
    rooms = {
        parts[1]
        for module in _imported_modules(path)
        if (parts := module.split("."))[0] == "arnn_search" and len(parts) > 1
    }
    assert (rooms & set(MAY_IMPORT)) - {room} <= MAY_IMPORT[room]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_mlflow_is_imported_by_tracking_alone(path):
    imported = {module.partition(".")[0] for module in _imported_modules(path)}
    assert "mlflow" not in imported or path.relative_to(PACKAGE).parts[0] == "tracking"


def test_every_room_is_listed():
    assert {path.relative_to(PACKAGE).parts[0] for path in FILES} == set(MAY_IMPORT)
