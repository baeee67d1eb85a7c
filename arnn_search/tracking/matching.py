"""Fair comparisons inside a search: pairs of trials that differ in one choice and little else.

A search does not try its choices evenly: it goes on with what seems good and stops what seems bad. So the
means of two choices tell as much about the rest of their trials as about the choice itself.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from arnn_search.intervals import Interval, mean_interval

if TYPE_CHECKING:
    import pandas

    from arnn_search.tracking.study_view import StudyView

FARTHEST = 0.25
"""Pairs whose other parameters lie farther apart than this share of their range, on average, do not count."""

# Values that lie this many times apart are compared by their ratio.
_LOG_SPAN = 50


@dataclass(frozen=True)
class Comparison:
    """What one choice gains over another one between trials that are otherwise alike.

    Attributes:
        pairs: the numbers of the trials, first that of the choice, then that of the other one.
        gains: of each pair; above 0 the choice is better.
    """

    pairs: tuple[tuple[int, int], ...]
    gains: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean gain; nan without a pair."""
        return float(np.mean(self.gains)) if self.gains else float("nan")

    @property
    def interval(self) -> Interval | None:
        """In which the mean lies with 95 % confidence; None for fewer than two pairs."""
        return mean_interval(self.gains)

    @property
    def verdict(self) -> str:
        """`"better"`, `"worse"`, or `"unclear"` where the interval holds 0 or there is none."""
        if self.interval is None or self.interval[0] <= 0 <= self.interval[1]:
            return "unclear"
        return "better" if self.mean > 0 else "worse"


def compare(
    view: "StudyView",
    column: str,
    choice: Any,
    other: Any,
    *,
    ignoring: Collection[str] = (),
    gain: Callable[[int, int], float] | None = None,
) -> Comparison:
    """Compare two choices between trials that are otherwise alike.

    Trials that were stopped early count too, at the last epoch that both trials of a pair have reached:
    without them a choice whose weak trials were pruned would look better than it is.

    Args:
        view: the study.
        column: a column of `view.trials`, such as `"family"` or `"param.limit_mode"`.
        choice: a value of the column.
        other: the value that it is compared with.
        ignoring: hyperparameters (`"param.<name>"`) in which a pair may differ.
        gain: of a pair of trials' numbers; by default in the score, above 0 where the first one is better.
    """
    trials = view.trials[view.trials["state"].isin(["completed", "pruned"]) & view.trials["score"].notna()]
    gain = gain or score_gain(view)
    pairs = _pairs(trials, column, choice, other, ignoring=ignoring)
    gains = [(pair, value) for pair in pairs if np.isfinite(value := gain(*pair))]
    return Comparison(tuple(pair for pair, _ in gains), tuple(value for _, value in gains))


def score_gain(view: "StudyView", metric: str | None = None, *, maximizes: bool | None = None) -> Any:
    """What to give `compare`: the gain in a metric, at the last epoch that both trials have reached.

    Args:
        view: the study.
        metric: a metric that is reported by epoch; by default the study's, at its best so far.
        maximizes: whether more is better; by default as in the study.
    """
    name = metric or view.metric
    more = view.objectives[0].maximizes if maximizes is None else maximizes
    reached = view.epochs.groupby("trial")["epoch"].max().to_dict() if len(view.epochs) else {}
    histories: dict[int, Any] = {}
    if name in view.epochs:
        known = view.epochs[view.epochs[name].notna()]
        histories = {
            int(trial): (rows["epoch"].to_numpy(), rows[name].to_numpy(float))
            for trial, rows in known.groupby("trial")
        }

    def value(number: int, epoch: int) -> float:
        if number not in histories:
            return float(view.trials.loc[number, "score"]) if metric is None else float("nan")
        epochs, values = histories[number]
        values = values[epochs <= epoch]
        if not values.size:
            return float("nan")
        return float(values[-1] if metric else values.max() if more else values.min())

    def gain(first: int, second: int) -> float:
        epoch = min(reached[first], reached[second]) if first in reached and second in reached else 0
        return (value(first, epoch) - value(second, epoch)) * (1 if more else -1)

    return gain


def _pairs(
    trials: "pandas.DataFrame", column: str, choice: Any, other: Any, *, ignoring: Collection[str]
) -> list[tuple[int, int]]:
    """Pairs of one trial of each choice, closest first, every trial in at most one pair."""
    ours, theirs = trials.index[trials[column] == choice], trials.index[trials[column] == other]
    if not len(ours) or not len(theirs):
        return []
    names = [n for n in trials if n.startswith("param.") and n != column and n not in ignoring]
    names = [name for name in names if trials[name].notna().any()]
    distances = _distances(trials, names, ours, theirs)
    pairs: list[tuple[int, int]] = []
    free_ours, free_theirs = set(range(len(ours))), set(range(len(theirs)))
    for flat in np.argsort(distances, axis=None, kind="stable"):
        a, b = divmod(int(flat), len(theirs))
        if not distances[a, b] <= FARTHEST:
            break
        if a in free_ours and b in free_theirs:
            pairs.append((int(ours[a]), int(theirs[b])))
            free_ours.discard(a)
            free_theirs.discard(b)
    return pairs


def _distances(trials: "pandas.DataFrame", names: list[str], ours: Any, theirs: Any) -> Any:
    """The mean distance over the parameters, of each of ours to each of theirs; infinite if not alike."""
    total, counted = np.zeros((len(ours), len(theirs))), np.zeros((len(ours), len(theirs)))
    forbidden = np.zeros_like(total, dtype=bool)
    for name in names:
        numbers = _places(trials[name])
        first, second = trials.loc[ours, name].to_numpy(), trials.loc[theirs, name].to_numpy()
        asked = ~_missing(first)[:, None], ~_missing(second)[None, :]
        if numbers is not None:
            a, b = numbers.loc[ours].to_numpy()[:, None], numbers.loc[theirs].to_numpy()[None, :]
            apart = np.where(asked[0] & asked[1], np.abs(np.nan_to_num(a) - np.nan_to_num(b)), 1.0)
        else:
            apart = (first[:, None] != second[None, :]).astype(float)
        neither = ~asked[0] & ~asked[1]
        total += np.where(neither, 0.0, apart)
        counted += ~neither
        if name == "param.activation":
            # Another activation is another network.
            forbidden |= ~neither & (apart > 0)
    mean = np.divide(total, counted, out=np.zeros_like(total), where=counted > 0)
    return np.where(forbidden, np.inf, mean)


def _missing(values: Any) -> Any:
    import pandas

    return np.asarray(pandas.isna(values))


def _places(values: "pandas.Series[Any]") -> Any:
    """Numbers as their place in the range that was tried, on a log scale if it spans decades; or None."""
    import pandas

    numbers = pandas.to_numeric(values, errors="coerce")
    known = numbers.dropna()
    if len(known) < values.notna().sum() or known.nunique() < 2 or values.map(type).eq(bool).any():
        return None
    if known.min() > 0 and known.max() / known.min() >= _LOG_SPAN:
        numbers, known = np.log(numbers), np.log(known)
    return (numbers - known.min()) / (known.max() - known.min())
