"""What a study found, sentence by sentence: what won, what rotation and limits did, what failed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from arnn_search.tracking.dashboards.advice import advice
from arnn_search.tracking.leaderboard import num_rivals
from arnn_search.tracking.matching import Comparison, compare, score_gain
from arnn_search.tracking.study_view import StudyView

FAMILIES = ("classic", "ar", "bn", "ar_bn")
OF_FAMILY = frozenset(
    {"param.limit_mode", "param.limit_factor", "param.reference_point", "param.boundary", "param.family"}
)
"""Hyperparameters that belong to the layer family, in which trials that are compared may differ."""

HEALTH = "metric.health/score"
VANISHING = "metric.health/vanishing_index"
_VANISHED = -2.0
_PLAIN = {("pruned", "pruner")}
FEWEST_PAIRS = 3
"""Of fewer pairs nothing is said, and no interval is drawn."""

_MOST_REASONS = 4


@dataclass(frozen=True)
class Finding:
    """One thing that a study says.

    Attributes:
        label: what it is about, in a word or two.
        text: one to three sentences.
    """

    label: str
    text: str


def findings(view: StudyView) -> list[Finding]:
    """What somebody wants to know who comes back after a night, in that order.

    Args:
        view: the study.
    """
    parts = {
        "Best": _best(view),
        "By how much": lead(view),
        "Study": _extent(view),
        "Gradients": _gradients(view),
        "Rotation": _rotation(view),
        "Limits": _limits(view),
        "Not completed": _endings(view),
        "Next": advice(view),
    }
    return [Finding(label, text) for label, text in parts.items() if text]


def family_comparisons(view: StudyView, *, metric: str | None = None) -> dict[str, Comparison]:
    """Each layer family against the plainest one that was tried, between trials that are otherwise alike.

    Args:
        view: the study.
        metric: what is compared, more being better; by default the study's own metric.
    """
    tried = families_in(view)
    gain = score_gain(view, metric, maximizes=True) if metric else None
    return {
        family: compare(view, "family", family, tried[0], ignoring=OF_FAMILY, gain=gain)
        for family in tried[1:]
    }


def families_in(view: StudyView) -> list[str]:
    """The layer families of the trials that have a score, the plainest first."""
    scored = view.trials[view.trials["state"].isin(["completed", "pruned"]) & view.trials["score"].notna()]
    found = [str(family) for family in scored["family"].unique() if family]
    return sorted(found, key=lambda f: (FAMILIES.index(f) if f in FAMILIES else len(FAMILIES), f))


def ending(state: str, reason: str, *, form: str = "{state}: {reason}") -> str:
    """How a trial ended, such as `failed: out of memory`; the state alone where that says it all."""
    says_it_all = not reason or reason == state or (state, reason) in _PLAIN
    return state if says_it_all else form.format(state=state, reason=reason)


def amount(value: float) -> str:
    """A value of any metric: four digits, and no power of ten for what can be counted."""
    if not np.isfinite(value):
        return "-"
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e15 else f"{value:.4g}"


def signed(value: float) -> str:
    """A gain with its sign, in three digits."""
    return f"{value:+.3g}"


def gain_text(comparison: Comparison) -> str:
    """A mean gain with its interval and the number of pairs."""
    number = len(comparison.pairs)
    pairs = f"{number} pair{'' if number == 1 else 's'}"
    interval = comparison.interval
    if interval is None:
        return f"{signed(comparison.mean)} ({pairs})"
    return f"{signed(comparison.mean)} ({signed(interval[0])} .. {signed(interval[1])}, {pairs})"


def _extent(view: StudyView) -> str:
    counts = view.trials["state"].value_counts()
    said = ", ".join(f"{count} {state}" for state, count in counts.items()) or "none yet"
    what = " and ".join(f"{each.direction} {each.metric}" for each in view.objectives)
    space, data = view.tags.get("arnn.space"), view.tags.get("arnn.data")
    where = f" in the search space {space}" if space else ""
    on = f" on {data}" if data else ""
    num_trials, budget = len(view.trials), view.parameters.get("trials", "")
    of_budget = f" of {budget}" if budget.isdecimal() and int(budget) > num_trials else ""
    plural = "" if num_trials == 1 and not of_budget else "s"
    return f"{num_trials}{of_budget} trial{plural}{where}{on} to {what}: {said}{_duration(view)}."


def _duration(view: StudyView) -> str:
    ended = view.trials["ended"].max()
    if not isinstance(view.trials["started"].min(), type(ended)) or ended != ended:
        return ""
    seconds = (ended - view.trials["started"].min()).total_seconds()
    slots = view.trials.loc[view.trials["device"] != "", "device"].nunique()
    return f", in {_time(seconds)} on {slots} slot{'' if slots == 1 else 's'}" if slots else ""


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _best(view: StudyView) -> str:
    if view.leaderboard.empty:
        return "No trial has completed." if len(view.trials) else ""
    best = view.leaderboard.iloc[0]
    number = int(best.name)
    if len(view.objectives) > 1:
        front = len(view.leaderboard)
        said = f"{front} of {len(view.completed)} completed trials are on the Pareto front: no other trial "
        said += "is at least as good in everything and better in something. "
        return said + f"Best in {view.metric}: {view.title(number)}, {_values(view, best)}."
    said = f"{view.title(number).capitalize()}, {view.metric} {best['score']:.4f}{_interval(best)}"
    said += f", the mean of {best['repeats']} repeats." if best["repeats"] > 1 else "."
    test = {n.removeprefix("test_"): v for n, v in sorted(view.metrics.items()) if n.startswith("test_")}
    if test:
        scores = ", ".join(f"{name} {value:.4f}" for name, value in test.items())
        said += f" On the test part, which no trial saw: {scores}."
    return said


def _values(view: StudyView, row: Any) -> str:
    columns = ((one.metric, f"metric.{one.metric}") for one in view.objectives)
    return ", ".join(f"{name} {amount(row[column])}" for name, column in columns if column in row)


def _interval(row: Any) -> str:
    return f" ({row['low']:.4f} .. {row['high']:.4f})" if np.isfinite(row["low"]) else ""


def lead(view: StudyView) -> str:
    """By how much the best trial leads, and whether that can be told from chance; empty without a second."""
    leaders = view.leaderboard
    if len(view.objectives) > 1 or len(leaders) < 2:
        return ""
    best, second = leaders.iloc[0], leaders.iloc[1]
    lead = abs(best["score"] - second["score"])
    said = (
        f"{lead:.4f} ahead of {view.title(int(second.name))}"
        if lead
        else (f"Level with {view.title(int(second.name))}")
    )
    if not np.isfinite(best["low"]):
        return f"{said}."
    rivals = num_rivals(view)
    if not rivals:
        return f"{said}: more than their 95 % intervals explain."
    others = "that one" if rivals == 1 else f"{rivals} trials"
    joined = "but" if lead else "and"
    return f"{said}, {joined} {others} cannot be told from the best: their 95 % intervals overlap."


def _gradients(view: StudyView) -> str:
    if HEALTH not in view.trials or view.trials[HEALTH].notna().sum() == 0:
        return "Not recorded." if len(view.completed) else ""
    said = []
    leaders = view.leaderboard
    if len(leaders) and np.isfinite(leaders[HEALTH].iloc[0]):
        best = leaders.iloc[0]
        score = float(best[HEALTH])
        word = "healthy" if score >= 0.8 else "fair" if score >= 0.5 else "poor"
        said.append(f"{word.capitalize()} in the best trial: {score:.2f} of 1{_trend(best.get(VANISHING))}.")
    known = view.trials[HEALTH].dropna()
    said.append(f"The median of all {len(known)} trials is {known.median():.2f}")
    if VANISHING in view.trials:
        vanished = int((view.trials[VANISHING] < _VANISHED).sum())
        said[-1] += (
            f"; in {vanished} the first layer got less than a hundredth of the last one's gradient"
            if vanished
            else "; in none did the gradient fall to a hundredth towards the input"
        )
    return " ".join(said) + "."


def _trend(index: Any) -> str:
    if index is None or not np.isfinite(index):
        return ""
    if abs(index) < 0.3:
        return ", the same at the first layer as at the last within a factor of 2"
    factor = f"{10 ** abs(index):.2g}"
    return f", {factor} times {'smaller' if index < 0 else 'larger'} at the first layer than at the last"


def _rotation(view: StudyView) -> str:
    tried = families_in(view)
    if len(tried) < 2:
        return ""
    enough = {f: c for f, c in family_comparisons(view).items() if len(c.pairs) >= FEWEST_PAIRS}
    if not enough:
        return (
            f"Too few trials are alike but for the layer family to say what it does ({', '.join(tried)} were "
            "tried)."
        )
    said = "; ".join(f"{family} {c.verdict}, {gain_text(c)}" for family, c in enough.items())
    more = "higher" if view.direction == "maximize" else "lower"
    return f"Gain over {tried[0]} in {view.metric}, {more} being better, in trials otherwise alike: {said}."


def _limits(view: StudyView) -> str:
    return " ".join(_limit_sentences(view))


def _limit_sentences(view: StudyView) -> Iterator[str]:
    moved = limit_moves(view)
    if moved:
        middle, (number, most) = (
            float(np.median(list(moved.values()))),
            max(moved.items(), key=lambda item: abs(np.log(item[1]))),
        )
        said = f"in the median of {len(moved)} trials, {most:.2f} times in trial {number}"
        if len(moved) == 1:
            said = f"in trial {number}"
        yield f"Learnable L ended at {middle:.2f} times its start {said}."
    mode = "param.limit_mode"
    if mode in view.trials:
        found = compare(view, mode, "learnable", "fixed", ignoring={"param.limit_factor"})
        if len(found.pairs) >= FEWEST_PAIRS:
            yield f"Learnable against fixed, in trials otherwise alike: {found.verdict}, {gain_text(found)}."


def limit_moves(view: StudyView) -> dict[int, float]:
    """By trial: its learnable limits at the end over those at the start, of the layer that moved most."""
    limits = view.layers[view.layers["limit"].notna() & (view.layers["limit"] > 0)]
    moves: dict[int, float] = {}
    for number, rows in limits.groupby("trial"):
        table = rows.pivot(index="epoch", columns="depth", values="limit").dropna(axis=1)
        if len(table) < 2 or table.empty:
            continue
        ratios = (table.iloc[-1] / table.iloc[0]).to_numpy(float)
        most = float(ratios[np.argmax(np.abs(np.log(ratios)))])
        if abs(most - 1) > 1e-6:
            moves[int(number)] = most
    return moves


def _endings(view: StudyView) -> str:
    """How many trials did not complete, by state and reason, with the latest message of those that failed."""
    others = view.trials[~view.trials["state"].isin(["completed", "running"])]
    if others.empty:
        return "Nothing: every trial completed." if len(view.completed) else ""
    groups = sorted(others.groupby(["state", "reason"]), key=lambda group: -len(group[1]))
    said = []
    for (state, reason), trials in groups[:_MOST_REASONS]:
        said.append(f"{len(trials)} {ending(state, reason, form='{state} ({reason})')}")
    if len(groups) > _MOST_REASONS:
        said.append(f"{sum(len(trials) for _, trials in groups[_MOST_REASONS:])} for other reasons")
    text = ", ".join(said)
    messages = view.trials.loc[view.trials["state"] == "failed", "message"]
    told = [message for message in messages if message]
    if told:
        text += f". The last failure said: {_cut(told[-1])}"
    return text if text.endswith(".") else f"{text}."


def _cut(message: str, length: int = 200) -> str:
    text = " ".join(message.split())
    return text if len(text) <= length else text[: length - 1] + "…"
