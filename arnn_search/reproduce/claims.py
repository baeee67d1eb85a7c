"""Claims, and what a run says of them: judged by intervals over matched seeds, never by a single number."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from arnn_search.intervals import mean_interval
from arnn_search.matched.outcomes import Outcomes

Judgement = Literal["supported", "contradicted", "undecided"]


@dataclass(frozen=True)
class Verdict:
    """What a run says of a claim.

    Attributes:
        claim: in words.
        judgement: `"supported"`, `"contradicted"`, or `"undecided"` where the interval allows both.
        evidence: the numbers.
    """

    claim: str
    judgement: Judgement
    evidence: str


class Claim(Protocol):
    """Something that was published."""

    def judge(self, outcomes: Outcomes) -> Verdict:
        """What these outcomes say of it."""


@dataclass(frozen=True)
class Smaller:
    """That a measure is smaller (or larger) for one network than for each of some others.

    Judged by Student's 95 % interval of the difference, seed by seed. Of several comparisons the claim needs
    every one; a single one that goes the other way contradicts it.

    Attributes:
        text: the claim in words.
        measure: of `Outcomes.values`.
        network: the one that the claim is of.
        others: those that it is compared with.
        larger: whether it is claimed to be larger.
    """

    text: str
    measure: str
    network: str
    others: tuple[str, ...]
    larger: bool = False

    def judge(self, outcomes: Outcomes) -> Verdict:
        parts = [self._compare(outcomes, other) for other in self.others]
        judgements = [judgement for judgement, _ in parts]
        together: Judgement = "undecided"
        if all(judgement == "supported" for judgement in judgements):
            together = "supported"
        elif "contradicted" in judgements:
            together = "contradicted"
        return Verdict(self.text, together, "; ".join(words for _, words in parts))

    def _compare(self, outcomes: Outcomes, other: str) -> tuple[Judgement, str]:
        ours, theirs = outcomes.values(self.network, self.measure), outcomes.values(other, self.measure)
        differences = [a - b for a, b in zip(ours, theirs, strict=True)]
        means = (
            f"{outcomes.label(self.network)} {_mean(ours):.4g}, {outcomes.label(other)} {_mean(theirs):.4g}"
        )
        interval = _interval(differences)
        words = f"{means}: difference {_mean(differences):+.4g} {_in_words(interval, len(differences))}"
        if interval is None:
            return "undecided", words
        low, high = (-interval[1], -interval[0]) if self.larger else interval
        return ("supported" if high < 0 else "contradicted" if low > 0 else "undecided"), words


@dataclass(frozen=True)
class Factor:
    """That a measure of one network is that of another one times (at least) a factor.

    Judged by the interval of the ratio, from the logarithms, seed by seed.

    Attributes:
        text: the claim in words.
        measure: of `Outcomes.values`, positive.
        network: the one whose measure is above the line.
        other: the one whose measure is below it.
        factor: what was claimed of the ratio.
        at_least: whether larger ratios are as good; otherwise they contradict as much as smaller ones.
    """

    text: str
    measure: str
    network: str
    other: str
    factor: float
    at_least: bool = False

    def judge(self, outcomes: Outcomes) -> Verdict:
        above, below = (outcomes.values(name, self.measure) for name in (self.network, self.other))
        logarithms = [math.log(a / b) for a, b in zip(above, below, strict=True) if a > 0 and b > 0]
        interval = _interval(logarithms)
        if interval is None:
            ratio = math.exp(_mean(logarithms))
            return Verdict(self.text, "undecided", f"ratio {ratio:.3g} {_in_words(None, len(logarithms))}")
        low, high = map(math.exp, interval)
        evidence = f"ratio {math.exp(_mean(logarithms)):.3g} {_in_words((low, high), len(logarithms))}"
        if high < self.factor or (low > self.factor and not self.at_least):
            return Verdict(self.text, "contradicted", evidence)
        is_met = low >= self.factor if self.at_least else low <= self.factor <= high
        return Verdict(self.text, "supported" if is_met else "undecided", evidence)


@dataclass(frozen=True)
class Level:
    """That two networks end level: the interval of their relative difference lies within a margin.

    Attributes:
        text: the claim in words.
        measure: of `Outcomes.values`, positive.
        network: the one that the claim is of.
        other: the one it is compared with.
        margin: share of the other's mean that still counts as level.
    """

    text: str
    measure: str
    network: str
    other: str
    margin: float

    def judge(self, outcomes: Outcomes) -> Verdict:
        ours, theirs = outcomes.values(self.network, self.measure), outcomes.values(self.other, self.measure)
        shares = [(a - b) / b for a, b in zip(ours, theirs, strict=True)]
        interval = _interval(shares)
        evidence = (
            f"{outcomes.label(self.network)} against {outcomes.label(self.other)}: {_mean(shares):+.2%} "
            f"{_in_words(interval, len(shares), percent=True)}; level means within {self.margin:.0%}"
        )
        if interval is None:
            return Verdict(self.text, "undecided", evidence)
        if -self.margin <= interval[0] and interval[1] <= self.margin:
            return Verdict(self.text, "supported", evidence)
        is_apart = interval[0] > self.margin or interval[1] < -self.margin
        return Verdict(self.text, "contradicted" if is_apart else "undecided", evidence)


def _mean(values: Sequence[float]) -> float:
    return statistics.fmean(values) if values else math.nan


def _interval(values: Sequence[float]) -> tuple[float, float] | None:
    return mean_interval(values) if all(map(math.isfinite, values)) else None


def _in_words(interval: tuple[float, float] | None, num_seeds: int, *, percent: bool = False) -> str:
    if num_seeds < 2:
        return "(one seed, which decides nothing)" if num_seeds else "(no seed)"
    if interval is None:
        return "(some of it no finite number)"
    low, high = (f"{end:+.2%}" if percent else f"{end:.4g}" for end in interval)
    return f"({low} .. {high}, {num_seeds} seeds)"
