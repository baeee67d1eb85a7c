"""The page of commands: made from the command line itself, so that it cannot say anything else."""

import inspect
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from arnn_search.cli.main import app
from arnn_search.studies.config import StudyConfig

_INTRODUCTION = """# Commands

What `arnn-search COMMAND --help` says, on one page. A study is addressed by its name; without one, the study
that was started or resumed last is meant. `--json` prints the result as JSON and nothing else on standard
output. The exit code is 0, or 2 where something that you gave cannot be used: then one paragraph on standard
error says what.
"""
_VALUES = {int: "INTEGER", float: "NUMBER", Path: "PATH", str: "TEXT"}


def commands_page() -> str:
    """The page, as Markdown."""
    commands = list(walk(typer.main.get_command(app), ("arnn-search",)))
    contents = ["| command | what it does |", "|---|---|"]
    for words, command in commands:
        name = " ".join(words)
        summary = _paragraphs(command.help).split("\n")[0]
        contents.append(f"| [`{name}`](#{name.replace(' ', '-')}) | {summary} |")
    return "\n".join([_INTRODUCTION, *contents, "", *(_section(*one) for one in commands)])


def walk(command: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, with the words that call it, in the order of `--help`."""
    commands = getattr(command, "commands", None)
    if commands is None:
        yield words, command
        return
    for name, one in commands.items():
        if not one.hidden:
            yield from walk(one, (*words, name))


def _section(words: tuple[str, ...], command: Any) -> str:
    signature = inspect.signature(command.callback)
    keys = StudyConfig.model_fields.keys() - {"study"}
    takes_keys = keys <= {one.name for one in command.params}
    shown = [one for one in command.params if not (takes_keys and one.name in keys)]
    arguments = [one for one in shown if one.param_type_name == "argument"]
    options = [one for one in shown if one.param_type_name == "option" and one.name != "study"]
    usage = [*words, *map(_placeholder, arguments), *(["[OPTIONS]"] if options else [])]
    lines = [f"## `{' '.join(words)}`", "", _paragraphs(command.help), "", f"    {' '.join(usage)}", ""]
    rows = [(f"`{_placeholder(one)}`", _described(one, signature)) for one in arguments]
    rows += [(_flags(one, signature), _described(one, signature)) for one in options]
    if rows:
        lines += ["| | |", "|---|---|", *(f"| {left} | {right} |" for left, right in rows), ""]
    if takes_keys:
        lines += ["And one option for every [configuration key](configuration.md).", ""]
    return "\n".join(lines)


def _placeholder(argument: Any) -> str:
    name = str(argument.metavar or argument.name).upper()
    name += "..." if argument.nargs == -1 else ""
    return name if argument.required else f"[{name.strip('[]')}]"


def _flags(option: Any, signature: inspect.Signature) -> str:
    names = [*option.opts, *option.secondary_opts]
    value = "" if option.is_flag else f" {_value(_annotation(option, signature))}"
    return ", ".join(f"`{name}{value}`" for name in names)


def _described(parameter: Any, signature: inspect.Signature) -> str:
    text = str(parameter.help or "").replace("|", "\\|")
    default = signature.parameters[parameter.name].default
    if parameter.secondary_opts and isinstance(default, bool):
        default = parameter.opts[0] if default else parameter.secondary_opts[0]
    return text if default in (None, False, inspect.Parameter.empty) else f"{text} Default: `{default}`."


def _annotation(parameter: Any, signature: inspect.Signature) -> Any:
    annotation = signature.parameters[parameter.name].annotation
    return typing.get_args(annotation)[0] if typing.get_origin(annotation) is typing.Annotated else annotation


def _value(annotation: Any) -> str:
    parts = typing.get_args(annotation)
    if typing.get_origin(annotation) in (types.UnionType, typing.Union):
        return _value(next(part for part in parts if part is not type(None)))
    if typing.get_origin(annotation) is typing.Literal:
        return "\\|".join(map(str, parts))
    return _VALUES.get(annotation, "VALUE")


def _paragraphs(text: str | None) -> str:
    """Help as it was written, a paragraph to a line."""
    return "\n\n".join(" ".join(part.split()) for part in (text or "").replace("\f", "").split("\n\n"))
