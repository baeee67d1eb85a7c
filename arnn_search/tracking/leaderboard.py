"""Which completed trials lead, and in which interval their scores lie."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from arnn_search.intervals import mean_interval, share_interval

if TYPE_CHECKING:
    import pandas

    from arnn_search.tracking.study_view import StudyView

NUM_VALIDATION_TAG = "arnn.num_validation"
"""On a study's run: how many samples a trial is scored on."""


def leaderboard(view: "StudyView") -> "pandas.DataFrame":
    """The completed trials that lead, best first: the rows of `StudyView.completed`, with intervals.

    Of several objectives it is the Pareto front, in the order of the first one. Where the study repeats
    architectures, each has one row, that of its best trial, and its score is the mean.

    Returns:
        The columns of `completed`; `low` and `high`, in which the score lies with 95 % confidence (nan where
        nothing is known): the mean of repeats by Student's interval over them; in studies that do not repeat
        an accuracy by Wilson's, from the number of validation samples. And `repeats`.
    """
    rows = view.completed.copy()
    rows["repeats"], rows["low"], rows["high"] = 1, np.nan, np.nan
    if rows.empty:
        return rows
    if len(view.objectives) > 1:
        columns = {f"metric.{one.metric}": one.maximizes for one in view.objectives}
        if set(columns) <= set(rows):
            known = rows.dropna(subset=list(columns))
            rows = rows.loc[[n for n in rows.index if n in set(pareto_front(known, columns))]]
    elif view.parameters.get("duplicates") == "repeat":
        rows = _averaged(view, rows)
    elif num_samples := _num_samples(view):
        for number, score in rows["score"].items():
            rows.loc[number, ["low", "high"]] = share_interval(min(max(score, 0.0), 1.0), num_samples)
    return rows


def num_rivals(view: "StudyView") -> int:
    """How many leaders have an interval that overlaps with that of the best one."""
    leaders = view.leaderboard
    if len(leaders) < 2 or not np.isfinite(leaders["low"].iloc[0]):
        return 0
    best, others = leaders.iloc[0], leaders.iloc[1:]
    maximizes = view.direction == "maximize"
    overlaps = others["high"] >= best["low"] if maximizes else others["low"] <= best["high"]
    return int(overlaps.sum())


def pareto_front(trials: "pandas.DataFrame", senses: Mapping[str, bool]) -> list[int]:
    """The numbers of the trials that no other one beats: at least as good in each column, better in one.

    Args:
        trials: a row for each trial, without gaps in the columns.
        senses: columns, and whether more is better.
    """
    signed = np.column_stack(
        [trials[name].to_numpy(float) * (1 if more else -1) for name, more in senses.items()]
    )
    return [
        int(number)
        for number, row in zip(trials.index, signed, strict=True)
        if not ((signed >= row).all(axis=1) & (signed > row).any(axis=1)).any()
    ]


def _averaged(view: "StudyView", rows: "pandas.DataFrame") -> "pandas.DataFrame":
    names = rows["architecture"].where(rows["architecture"] != "", [f"trial {n}" for n in rows.index])
    leaders: list[int] = []
    for _, group in rows.groupby(names, sort=False):
        best = group.index[0]
        leaders.append(best)
        scores = list(group["score"])
        rows.loc[best, "score"] = float(np.mean(scores))
        rows.loc[best, "repeats"] = len(scores)
        low, high = mean_interval(scores) or (np.nan, np.nan)
        rows.loc[best, ["low", "high"]] = (
            (max(low, 0.0), min(high, 1.0)) if is_share(view.metric) else (low, high)
        )
    return rows.loc[leaders].sort_values("score", ascending=view.direction == "minimize", kind="stable")


def is_share(metric: str) -> bool:
    """Whether a metric is a share of samples, and so lies in [0, 1]."""
    return metric.removeprefix("val_").endswith("accuracy")


def _num_samples(view: "StudyView") -> int:
    """How many validation samples the score is a share of; 0 if it is none, or nobody knows."""
    told = view.tags.get(NUM_VALIDATION_TAG, "")
    return int(told) if is_share(view.metric) and told.isdecimal() else 0
