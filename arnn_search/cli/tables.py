"""How studies and trials look in a terminal and in JSON."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

if TYPE_CHECKING:
    from arnn_search.studies.study import Study, Trial

STATE_STYLES = {
    "completed": "green",
    "running": "cyan",
    "pruned": "yellow",
    "failed": "red",
    "infeasible": "magenta",
    "interrupted": "dim",
}


def leaderboard_table(
    study: "Study", leaderboard: "Sequence[Trial] | None" = None, *, size: int = 10
) -> Table:
    """The best trials, best first; of the study's leaderboard, unless one is given."""
    leaders = (study.leaderboard if leaderboard is None else leaderboard)[:size]
    objectives = list(study.objectives)
    title = "Leaderboard" if len(objectives) == 1 else "Pareto front"
    is_averaged = any(trial.repeats > 1 for trial in leaders)
    table = Table(title=title, title_justify="left", header_style="bold", box=SIMPLE_HEAD)
    table.add_column("", justify="right", style="dim")
    averages = ["mean", "repeats"] if is_averaged else []
    # What is an objective already need not be shown twice.
    others = [
        column
        for column, name in (("health", "health/score"), ("epochs", ""), ("weights", "num_parameters"))
        if name not in objectives and not (is_averaged and column == "epochs")
    ]
    for column in ("trial", *objectives, *averages, *others):
        table.add_column(column, justify="right", no_wrap=column == "mean")
    chosen = [name for name in ("family", "activation") if any(name in trial.parameters for trial in leaders)]
    for column in chosen:
        table.add_column(column)
    for place, trial in enumerate(leaders, start=1):
        cells = {
            "health": number(trial.metrics.get("health/score"), digits=2),
            "epochs": str(trial.epochs),
            "weights": f"{trial.num_parameters:,}",
        }
        table.add_row(
            str(place),
            str(trial.number),
            *(_score_text(name, trial.values.get(name)) for name in objectives),
            *([mean_text(trial), str(trial.repeats)] if is_averaged else []),
            *(cells[column] for column in others),
            *(str(trial.parameters.get(name, "")) for name in chosen),
        )
    return table


def _score_text(name: str, value: float | None) -> str:
    if name == "num_parameters" and value is not None:
        return f"{int(value):,}"
    return number(value)


def trials_table(study: "Study", trials: Iterable["Trial"]) -> Table:
    """Every trial, with how it ended."""
    table = Table(header_style="bold", box=SIMPLE_HEAD)
    for column in ("trial", "state", study.metric, "health", "epochs", "seconds"):
        table.add_column(column, justify="left" if column == "state" else "right", no_wrap=True)
    table.add_column("family", no_wrap=True)
    table.add_column("device", no_wrap=True)
    table.add_column("why", overflow="fold")
    for trial in trials:
        style = STATE_STYLES.get(trial.state, "")
        score = trial.value if trial.value is not None else trial.metrics.get(study.metric)
        table.add_row(
            str(trial.number),
            f"[{style}]{trial.state}[/]" if style else trial.state,
            number(score),
            number(trial.metrics.get("health/score"), digits=2),
            str(trial.epochs),
            number(trial.seconds, digits=1),
            trial.family,
            trial.device,
            "" if trial.state == "completed" else trial.message or trial.reason,
        )
    return table


def counts_text(counts: Mapping[str, int]) -> str:
    """How many trials are in which state, in words."""
    return ", ".join(f"{counts[state]} {state}" for state in STATE_STYLES if counts.get(state)) or "none"


def number(value: float | None, *, digits: int = 4) -> str:
    """A number for a table; a dash for one that is not known."""
    return "-" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def mean_text(trial: "Trial") -> str:
    """The mean of an architecture's repeats, with half the width of its 95 % interval."""
    if trial.interval is None:
        return number(trial.mean)
    return f"{number(trial.mean)} ± {number((trial.interval[1] - trial.interval[0]) / 2)}"


def parameter_text(parameters: dict[str, Any]) -> str:
    """Parameters as `name=value`, floats in three digits."""
    return (
        ", ".join(
            f"{name}={value:.3g}" if isinstance(value, float) else f"{name}={value}"
            for name, value in parameters.items()
        )
        or "no parameters"
    )


def trial_as_dict(trial: "Trial") -> dict[str, Any]:
    """A trial as JSON data; numbers that are not known are null."""
    fields = dict(vars(trial))
    fields["model"] = str(trial.model) if trial.model else None
    for name in ("seconds", "training_seconds"):
        fields[name] = None if math.isnan(fields[name]) else fields[name]
    return fields


def study_as_dict(study: "Study") -> dict[str, Any]:
    """A study as JSON data."""
    leaderboard = study.leaderboard
    return {
        "study": study.name,
        "directory": str(study.layout.directory),
        "running": study.is_running,
        "metric": study.metric,
        "direction": study.direction,
        "objectives": study.objectives,
        "budget": study.config.trials,
        "best_trial": leaderboard[0].number if leaderboard else None,
        "leaderboard": [trial.number for trial in leaderboard],
        "best_value": leaderboard[0].value if leaderboard else None,
        "test": study.attributes.get("test"),
        "tracking_uri": study.attributes.get("tracking_uri"),
        "trials": [trial_as_dict(trial) for trial in study.trials],
    }


def test_score_text(study: "Study") -> str:
    """What the best trial gave on the test part, in one line; empty if it was not scored."""
    test = study.attributes.get("test")
    if not test or not study.leaders(1):
        return ""
    if test["error"]:
        return f"Trial {test['trial']} could not be scored on the test part: {test['error']}"
    scores = ", ".join(f"{name} {number(value)}" for name, value in test["metrics"].items())
    return f"Trial {test['trial']} on the test part, which no trial saw: {scores}."
