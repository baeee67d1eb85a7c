"""The page of configuration keys: made from the configuration itself."""

import types
import typing
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from arnn_search.cli.options import flag_of
from arnn_search.studies.config import StudyConfig, may_change

_INTRODUCTION = """# Configuration keys

A key means the same in a file (`arnn-search run study.toml`), as an option (`--batch-size 64`) and as an
argument of `arnn_search.search(batch_size=64)`. Options beat the file, and the file beats the defaults.
`arnn-search init` writes a file with every key, its meaning and its default. A key that does not exist and a
value that cannot be are refused before anything starts.

Keys with a ↻ only say how a study is run, and may be given again with `arnn-search resume`. All others say
what the study is: for another value start another study.
"""
_KINDS = {bool: "true or false", int: "integer", float: "number", Path: "path", str: "text"}
_LIMITS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}


def configuration_page() -> str:
    """The page, as Markdown."""
    lines, section = [_INTRODUCTION], ""
    for name, field in StudyConfig.model_fields.items():
        extra = field.json_schema_extra
        assert isinstance(extra, dict)
        if extra["section"] != section:
            section = str(extra["section"])
            lines += [
                "",
                f"## {section.capitalize()}",
                "",
                "| key | value | default | |",
                "|---|---|---|---|",
            ]
        lines.append(_row(name, field))
    return "\n".join(lines) + "\n"


def _row(name: str, field: FieldInfo) -> str:
    # An anchor, so that other pages can point at a key.
    key = f'<span id="{name}"></span>`{name}`' + (" ↻" if may_change(name) else "")
    flag = flag_of(name)
    if flag != "--" + name.replace("_", "-"):
        key += f"<br>as an option `{flag}`"
    default = "" if field.default is None else f"`{_shown(field.default)}`"
    description = str(field.description).replace("|", "\\|")
    return f"| {key} | {_kind(field)} | {default} | {description} |"


def _kind(field: FieldInfo) -> str:
    annotation: Any = field.annotation
    if typing.get_origin(annotation) in (types.UnionType, typing.Union):
        annotation = next(part for part in typing.get_args(annotation) if part is not type(None))
    if typing.get_origin(annotation) is typing.Literal:
        return ", ".join(f"`{value}`" for value in typing.get_args(annotation))
    limits = [
        f"{word} {value}"
        for constraint in field.metadata
        for name, word in _LIMITS.items()
        if (value := getattr(constraint, name, None)) is not None
    ]
    return f"{_KINDS.get(annotation, 'text')} {', '.join(limits)}".strip()


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return '""' if value == "" else str(value)
