"""What stops trials for their health, as a study is told it: names, and one table of limits. No Keras."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from arnn_search.errors import ConfigurationError, UnknownNameError
from arnn_search.health.race import StepRace
from arnn_search.health.rule import HealthRule, ProbeLimits

HEALTH_PRUNERS = ("probe", "rule", "race")


@dataclass(frozen=True)
class Steering:
    """What stops trials before or in their first steps; None where nothing of the kind does.

    Attributes:
        probe: health at initialisation that a network must have to be trained.
        rule: what the first steps must not show.
        race: who goes on from which of the first steps.
    """

    probe: ProbeLimits | None = None
    rule: HealthRule | None = None
    race: StepRace | None = None


def steering(names: str, options: Mapping[str, Any]) -> Steering:
    """Reads `health_pruner` and `health_pruner_options`.

    Args:
        names: of `HEALTH_PRUNERS`, separated by commas, or `"none"`.
        options: limits by name, of any of them.

    Raises:
        UnknownNameError: lists the nearest names.
        ConfigurationError: a value that is no number, or out of its range.
    """
    kinds = {"probe": ProbeLimits, "rule": HealthRule, "race": StepRace}
    whole = {field.name: field.type is int for kind in kinds.values() for field in fields(kind)}
    for name, value in options.items():
        if name not in whole:
            raise UnknownNameError("option of health_pruner_options", name, sorted(whole))
        if isinstance(value, bool) or not isinstance(value, int if whole[name] else (int, float)):
            kind = "a whole number" if whole[name] else "a number"
            raise ConfigurationError(
                f"`{name}` of health_pruner_options must be {kind}. Received: {value!r}."
            )
    made = {
        name: kind(**{field.name: options[field.name] for field in fields(kind) if field.name in options})
        for name, kind in kinds.items()
    }
    return Steering(**{name: made[name] for name in health_pruner_names(names)})


def health_pruner_names(text: str) -> tuple[str, ...]:
    """The names in a comma-separated list; none for `"none"`.

    Raises:
        UnknownNameError: lists the nearest names.
    """
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if names == ("none",):
        return ()
    for name in names:
        if name not in HEALTH_PRUNERS:
            raise UnknownNameError("health_pruner", name, (*HEALTH_PRUNERS, "none"))
    return names
