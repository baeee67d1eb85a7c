"""Which trials are the best: by score, by the mean of repeats, or as a Pareto front."""

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from arnn_search.intervals import mean_interval
from arnn_search.precedence import precedence
from arnn_search.studies.ledger import best_metrics, is_feasible, trial_attribute


@dataclass(frozen=True)
class Place:
    """A trial's place among the completed ones.

    Attributes:
        trial: the trial.
        is_leader: whether it belongs on the leaderboard; of several objectives, whether it is on the Pareto
            front, and of repeats of one architecture, whether it is the best of them.
        mean: of the scores of its architecture, if repeats are averaged.
        interval: in which that mean lies with 95 % confidence; None for a single one.
        repeats: how many trials the mean is of.
    """

    trial: FrozenTrial
    is_leader: bool = True
    mean: float | None = None
    interval: tuple[float, float] | None = None
    repeats: int = 1


def rank(
    trials: Sequence[FrozenTrial], directions: Sequence[str], *, average: bool = False
) -> Iterator[Place]:
    """The completed trials that keep every limit, the leaders first and each group best first.

    Among equal scores the healthier gradient comes first, then the smaller network: see `precedence`. What
    decides among equals is looked up no sooner than somebody asks for them.

    Args:
        trials: any trials.
        directions: `"maximize"` or `"minimize"`, for each objective.
        average: whether trials of the same architecture stand for one, with their mean as the score.
    """
    completed = [trial for trial in trials if trial.state == TrialState.COMPLETE and is_feasible(trial)]
    if len(directions) > 1:
        yield from _pareto(completed, directions)
        return
    ordered = _ordered(completed, lambda trial: costs(trial.values, directions))
    if average:
        yield from _averaged(list(ordered), directions)
    else:
        yield from (Place(trial) for trial in ordered)


def costs(values: Sequence[float], directions: Sequence[str]) -> tuple[float, ...]:
    """The values with such signs that smaller is better."""
    return tuple(
        -value if direction == "maximize" else value
        for value, direction in zip(values, directions, strict=True)
    )


def dominates(first: Sequence[float], second: Sequence[float]) -> bool:
    """Whether costs are nowhere larger, and somewhere smaller."""
    return all(a <= b for a, b in zip(first, second, strict=True)) and tuple(first) != tuple(second)


def _ordered(
    trials: Iterable[FrozenTrial], cost: Callable[[FrozenTrial], tuple[float, ...]]
) -> Iterator[FrozenTrial]:
    for equal, group in groupby(sorted(trials, key=cost), key=cost):
        tied = list(group)
        # `sorted` would ask for the key of a single one too, which reads the trial's metrics.
        yield from tied if len(tied) == 1 else sorted(tied, key=lambda trial: _precedence(trial, equal))


def _pareto(completed: list[FrozenTrial], directions: Sequence[str]) -> Iterator[Place]:
    by_trial = {trial.number: costs(trial.values, directions) for trial in completed}
    front: list[tuple[float, ...]] = []
    others: list[FrozenTrial] = []
    for trial in _ordered(completed, lambda trial: by_trial[trial.number]):
        # What dominates it comes before it, and if that is dominated itself, so does what dominates both.
        if any(dominates(other, by_trial[trial.number]) for other in front):
            others.append(trial)
        else:
            front.append(by_trial[trial.number])
            yield Place(trial)
    yield from (Place(trial, is_leader=False) for trial in others)


def _averaged(ordered: list[FrozenTrial], directions: Sequence[str]) -> list[Place]:
    groups: dict[str, list[FrozenTrial]] = defaultdict(list)
    for trial in ordered:
        groups[trial_attribute(trial, "architecture") or f"trial {trial.number}"].append(trial)
    leaders, others = [], []
    for group in groups.values():
        scores = [trial.values[0] for trial in group]
        mean, interval = statistics.fmean(scores), mean_interval(scores)
        first, *rest = (
            Place(trial, is_leader=trial is group[0], mean=mean, interval=interval, repeats=len(group))
            for trial in group
        )
        leaders.append(first)
        others.extend(rest)
    leaders.sort(key=lambda place: _precedence(place.trial, costs([place.mean or 0.0], directions)))
    others.sort(key=lambda place: _precedence(place.trial, costs(place.trial.values, directions)))
    return leaders + others


def _precedence(trial: FrozenTrial, costs: Sequence[float]) -> tuple[Any, ...]:
    return precedence(
        costs,
        health=best_metrics(trial).get("health/score"),
        num_parameters=trial_attribute(trial, "num_parameters"),
        number=trial.number,
    )
