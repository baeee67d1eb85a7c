"""What the exchanges did to the score and the gradients, with intervals, as data, table and words."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from arnn_search.explain.variants import ALL_CLASSIC, AS_FOUND
from arnn_search.matched.measured import Measured
from arnn_search.matched.outcomes import Outcomes
from arnn_search.matched.plain import finite

Judgement = Literal["better", "worse", "undecided"]

_HEADINGS = ("network", "score", "difference", "95 % interval", "", "|V|", "difference of |V|", "time")


@dataclass(frozen=True)
class Effect:
    """What an exchange did, against the network as found from the same seeds.

    Attributes:
        network: the variant's name.
        label: for people.
        score: of the variant.
        difference: of the scores, variant minus as found; of zeros for the network as found itself.
        vanishing: |V| of the variant, the mean over its epochs, in decades.
        vanishing_difference: variant minus as found.
        time_ratio: training time, variant over as found.
        judgement: whether the interval of the difference shows the variant to be better or worse.
    """

    network: str
    label: str
    score: Measured
    difference: Measured
    vanishing: Measured
    vanishing_difference: Measured
    time_ratio: Measured
    judgement: Judgement


@dataclass(frozen=True)
class Explanation:
    """Whether it is the rotation that made a trial good.

    Attributes:
        study: the study that was explained.
        trial: the trial of it.
        explained_in: the study in which the variants were trained.
        metric: the score.
        larger_is_better: whether a larger score is better.
        seeds: from how many seeds every variant was trained.
        asked_seeds: from how many it was to be trained.
        epochs: of each training.
        effects: the network as found first.
        conclusion: in one sentence.
        command: what goes on with it, or repeats it.
        versions: the packages' versions.
        seconds: of all trainings, added up.
    """

    study: str
    trial: int
    explained_in: str
    metric: str
    larger_is_better: bool
    seeds: int
    asked_seeds: int
    epochs: int
    effects: Sequence[Effect]
    conclusion: str
    command: str
    versions: Mapping[str, str] = field(default_factory=dict)
    seconds: float = math.nan

    def as_json(self) -> str:
        """JSON; numbers that are not finite are null."""
        return json.dumps(finite(asdict(self)), indent=1) + "\n"

    def as_rows(self) -> tuple[list[str], list[list[str]]]:
        """Headings and cells of the table of effects."""
        rows = []
        for effect in self.effects:
            row = [effect.label, str(effect.score), "", "", "", str(effect.vanishing), "", ""]
            if effect.network != AS_FOUND:
                row[2:5] = [f"{effect.difference.mean:+.4f}", _interval(effect.difference), effect.judgement]
                row[6:8] = [f"{effect.vanishing_difference.mean:+.2f}", f"{effect.time_ratio.mean:.2f}x"]
            rows.append(row)
        headings = [self.metric if heading == "score" else heading for heading in _HEADINGS]
        return headings, rows

    def as_markdown(self, *, picture: str | None = None) -> str:
        """The explanation as a page.

        Args:
            picture: address of the figure; None for none.
        """
        headings, rows = self.as_rows()
        lines = [
            f"## Trial {self.trial} of {self.study}: is it the rotation?",
            "",
            self.conclusion,
            "",
            *([f"![Effects on {self.metric}]({picture})", ""] if picture else []),
            "| " + " | ".join(_cell(heading) for heading in headings) + " |",
            "|" + "---|" * len(headings),
            *("| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows),
            "",
            f"Differences are to the network as found, from the same initial weights, over {self.seeds} "
            f"seeds of {self.epochs} epochs. Intervals hold with 95 % each; of {len(self.effects) - 1} "
            "comparisons one in twenty would lie outside by chance.",
            "",
            f"`{self.command}`, {self.seconds / 60:.0f} minutes of training; "
            + ", ".join(f"{name} {version}" for name, version in self.versions.items())
            + ".",
        ]
        return "\n".join(lines) + "\n"


def effects_of(outcomes: Outcomes, *, larger_is_better: bool) -> list[Effect]:
    """The effect of every variant, the network as found first."""
    base = {measure: outcomes.values(AS_FOUND, measure) for measure in ("best_score", "vanishing", "seconds")}
    effects = []
    for network in outcomes.networks:
        values = {measure: outcomes.values(network, measure) for measure in base}
        difference = _difference(values["best_score"], base["best_score"])
        effects.append(
            Effect(
                network,
                outcomes.label(network),
                score=Measured.of(values["best_score"]),
                difference=difference,
                vanishing=Measured.of(values["vanishing"]),
                vanishing_difference=_difference(values["vanishing"], base["vanishing"]),
                time_ratio=Measured.of(
                    [ours / theirs for ours, theirs in zip(values["seconds"], base["seconds"], strict=True)]
                ),
                judgement=_judge(difference, larger_is_better=larger_is_better),
            )
        )
    return effects


def conclude(effects: Sequence[Effect], *, metric: str) -> str:
    """One sentence on the network without any rotation, and one on the layer that matters most."""
    by_name = {effect.network: effect for effect in effects}
    classic = by_name[ALL_CLASSIC]
    change = f"{metric} changes by {classic.difference.mean:+.4f} ({_interval(classic.difference)})"
    whole = {
        "worse": f"Without any rotation {change}: the rotation is part of what makes this network good.",
        "better": f"Without any rotation {change}: the rotation is not what makes this network good.",
        "undecided": f"Without any rotation {change}: these seeds do not show that the rotation matters.",
    }[classic.judgement]
    single = [
        effect
        for effect in effects
        if effect.network not in (AS_FOUND, ALL_CLASSIC, "all_bn", "other_limits")
        and effect.judgement == "worse"
    ]
    if not single:
        return whole
    most = max(single, key=lambda effect: abs(effect.difference.mean))
    return f"{whole} The single exchange that costs most: {most.label} ({most.difference.mean:+.4f})."


def write_explanation(explanation: Explanation, directory: Path) -> list[Path]:
    """Writes `explanation.json` and `explanation.md`; returns their paths."""
    directory.mkdir(parents=True, exist_ok=True)
    files = {
        directory / "explanation.json": explanation.as_json(),
        directory / "explanation.md": explanation.as_markdown(picture="explanation.png"),
    }
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
    return list(files)


def _difference(values: Sequence[float], base: Sequence[float]) -> Measured:
    return Measured.of([ours - theirs for ours, theirs in zip(values, base, strict=True)])


def _judge(difference: Measured, *, larger_is_better: bool) -> Judgement:
    if difference.interval is None:
        return "undecided"
    low, high = difference.interval
    if low <= 0 <= high:
        return "undecided"
    return "better" if (low > 0) == larger_is_better else "worse"


def _interval(measured: Measured) -> str:
    if measured.interval is None:
        return "1 seed: no interval"
    low, high = measured.interval
    return f"{low:+.4f} to {high:+.4f}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
