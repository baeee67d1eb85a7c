"""Command-line options made from the configuration, so that every key has a flag and both say the same."""

import inspect
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import typer
from pydantic.fields import FieldInfo

from arnn_search.errors import ConfigurationError
from arnn_search.studies.config import StudyConfig

_REPEATABLE = ("objective", "direction")
"""Options that may be given several times."""


_FLAGS = {"from_study": "--from"}
"""Flags that read better than their key, which is no word that Python reserves."""

_ONLY_WITH = {
    "oracle": ("engine", "keras-tuner"),
    "sampler": ("engine", "optuna"),
    "sampler_options": ("engine", "optuna"),
    "address": ("executor", "ray"),
}
"""Flags that say nothing unless another key has a certain value."""


def configuration_options(*, exclude: tuple[str, ...] = ()) -> Callable[[Callable[..., Any]], Any]:
    """Decorates a command that takes `**values` with one option for each configuration key.

    An option that is not given stays out of `values`: only what was typed beats the file and the record.

    Args:
        exclude: keys that the command has parameters of its own for.
    """

    def decorate(command: Callable[..., Any]) -> Any:
        signature = inspect.signature(command)
        own = [
            parameter
            for parameter in signature.parameters.values()
            if parameter.kind is not inspect.Parameter.VAR_KEYWORD
        ]
        keys = [
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_annotation(name, field)
            )
            for name, field in StudyConfig.model_fields.items()
            if name not in exclude
        ]

        def call(**arguments: Any) -> Any:
            return command(**{name: value for name, value in arguments.items() if value not in (None, [])})

        call.__doc__, call.__name__ = command.__doc__, command.__name__
        call.__signature__ = signature.replace(parameters=[*own, *keys])  # type: ignore[attr-defined]
        call.__annotations__ = {parameter.name: parameter.annotation for parameter in [*own, *keys]}
        return call

    return decorate


def flag_of(key: str) -> str:
    """The flag of a configuration key."""
    return _FLAGS.get(key, "--" + key.replace("_", "-"))


def check_effect(flags: Mapping[str, Any], config: StudyConfig) -> None:
    """Refuses a flag that would be of no effect, rather than to run something else than was meant.

    Args:
        flags: the keys that were typed.
        config: what they and everything else come to.

    Raises:
        ConfigurationError: one belongs to another engine or executor than the study's.
    """
    for key, (by, value) in _ONLY_WITH.items():
        if key in flags and getattr(config, by) != value:
            raise ConfigurationError(
                f"{flag_of(key)} is of use with {flag_of(by)} {value} only; this study has "
                f"{flag_of(by)} {getattr(config, by)}."
            )
    if "candidate_steps" in flags and config.candidates_per_trial == 1:
        raise ConfigurationError("--candidate-steps is of use with --candidates-per-trial above 1 only.")


def _annotation(name: str, field: FieldInfo) -> Any:
    flag = flag_of(name)
    kind: Any = list[str] if name in _REPEATABLE else _plain_type(field.annotation)
    default = "" if field.default is None else f" (default: {field.default})"
    declaration = f"{flag}/--no-{flag[2:]}" if kind is bool else flag
    extra = field.json_schema_extra
    section = str(extra["section"]) if isinstance(extra, dict) else "options"
    option = typer.Option(
        declaration,
        help=f"{field.description}{default}",
        show_default=False,
        rich_help_panel=section.capitalize(),
    )
    return Annotated[typing.Optional[kind], option]  # noqa: UP045  (made at run time)


def _plain_type(annotation: Any) -> type:
    """What the command line parses; which values are allowed, the configuration itself says better."""
    if get_origin(annotation) in (types.UnionType, typing.Union):
        annotation = next(part for part in get_args(annotation) if part is not type(None))
    return annotation if annotation in (int, float, bool, Path) else str
