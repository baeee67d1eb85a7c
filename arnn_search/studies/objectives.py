"""What a study optimises: one reported metric or several, and what is measured once per trial."""

from collections.abc import Mapping
from dataclasses import dataclass

from arnn_search.errors import ConfigurationError
from arnn_search.studies.ledger import Direction
from arnn_search.trials.channel import Built

MEASURED = ("num_parameters", "latency_ms", "training_seconds")
"""Objectives of a trial as a whole; all of them are minimised."""

READABLE = {"gradient_health": "health/score"}
"""Names of metrics that may be given in other words."""


@dataclass(frozen=True)
class Objective:
    """One of them.

    Attributes:
        name: of a metric that is reported every epoch, or one of `MEASURED`.
        direction: whether larger is better.
    """

    name: str
    direction: Direction


@dataclass(frozen=True)
class Objectives:
    """All of them, the one that decides on a trial's best epoch among them.

    A trial's values are those of its best epoch, which is the one whose weights are kept: so they are all of
    one model.

    Attributes:
        items: in the order in which they were given.
    """

    items: tuple[Objective, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.items)

    @property
    def directions(self) -> tuple[Direction, ...]:
        return tuple(one.direction for one in self.items)

    @property
    def primary(self) -> Objective:
        """The first that is reported every epoch."""
        return next(one for one in self.items if one.name not in MEASURED)

    def values(
        self, metrics: Mapping[str, float], *, built: Built | None, seconds: float
    ) -> tuple[float, ...] | None:
        """The value of each; None if one is not known.

        Args:
            metrics: of the epoch.
            built: what the trial built.
            seconds: of training.
        """
        known = dict(metrics) | {"training_seconds": seconds}
        if built is not None:
            known["num_parameters"] = float(built.num_parameters)
            if built.latency_ms is not None:
                known["latency_ms"] = built.latency_ms
        if not all(name in known for name in self.names):
            return None
        return tuple(float(known[name]) for name in self.names)


def parse_objectives(objective: str, direction: str, *, default: tuple[str, Direction]) -> Objectives:
    """Reads the configuration keys.

    Args:
        objective: `"auto"`, or names separated by commas.
        direction: `"auto"`, or one direction for each name, separated by commas.
        default: what `"auto"` stands for.

    Raises:
        ConfigurationError: a name is there twice, no objective is reported every epoch, or the directions do
            not fit.
    """
    names = [default[0] if name == "auto" else name for name in split_names(objective)]
    if len(set(names)) != len(names):
        raise ConfigurationError(f"An objective is given twice: {', '.join(names)}.")
    if not set(names) - set(MEASURED):
        raise ConfigurationError(
            f"Give an objective that is reported every epoch beside {', '.join(names)}, such as "
            f"{default[0]}; it chooses a trial's best epoch."
        )
    directions = split_names(direction)
    if directions == ["auto"]:
        directions *= len(names)
    if len(directions) != len(names):
        raise ConfigurationError(
            f"`direction` must be auto, or one direction for each of the {len(names)} objectives. "
            f"Received: {direction!r}."
        )
    return Objectives(
        tuple(
            Objective(name, _direction(name, given, default))
            for name, given in zip(names, directions, strict=True)
        )
    )


def split_names(text: str) -> list[str]:
    """The names in a comma-separated list."""
    return [name.strip() for name in text.split(",") if name.strip()]


def metric_names(text: str) -> str:
    """A comma-separated list of objectives, each by the name of its metric."""
    return ",".join(READABLE.get(name, name) for name in split_names(text))


def _direction(name: str, given: str, default: tuple[str, Direction]) -> Direction:
    if given != "auto":
        return "maximize" if given == "maximize" else "minimize"
    if name == default[0]:
        return default[1]
    return "minimize" if name in MEASURED or "loss" in name or "error" in name else "maximize"
