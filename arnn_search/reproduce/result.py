"""The result of an experiment as plain data, Markdown and text."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from arnn_search.matched.measured import Measured
from arnn_search.matched.outcomes import MEASURES, Outcomes
from arnn_search.matched.plain import finite
from arnn_search.reproduce.claims import Verdict
from arnn_search.reproduce.experiment import Setting

_DIGITS = 4


@dataclass(frozen=True)
class Result:
    """What an experiment gave.

    Attributes:
        experiment: its name.
        title: a few words.
        source: where the result was published.
        command: what runs it again.
        study: the study's name.
        data: the data set.
        activation: of the networks; empty if it is no choice.
        epochs: of each network.
        seeds: from how many seeds every network was trained.
        train_samples: in the training part.
        score: what the score is.
        networks: each network's measures, by label and the measure's heading.
        curves: mean and half width of the 95 % interval by epoch, by label and metric.
        gradients: log10 g by label: `layers`, and rows of one number per epoch.
        verdicts: what the run says of each claim.
        baselines: of other models on the test part, by name.
        versions: the packages' versions.
        seconds: of all trials, each in its slot, added up.
    """

    experiment: str
    title: str
    source: str
    command: str
    study: str
    data: str
    activation: str
    epochs: int
    seeds: int
    train_samples: int
    score: str
    networks: Mapping[str, Mapping[str, Measured]]
    curves: Mapping[str, Mapping[str, tuple[Sequence[float], Sequence[float]]]]
    gradients: Mapping[str, Mapping[str, Any]]
    verdicts: Sequence[Verdict]
    baselines: Mapping[str, float] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    seconds: float = math.nan

    def as_json(self) -> str:
        """JSON; numbers that are not finite are null."""
        return json.dumps(finite(asdict(self)), indent=1) + "\n"

    def as_rows(self) -> tuple[list[str], list[list[str]]]:
        """Headings and cells of the table of networks, with the baselines below."""
        headings = list(dict.fromkeys(name for one in self.networks.values() for name in one))
        rows = [
            [label, *(str(measures[name]) if name in measures else "" for name in headings)]
            for label, measures in self.networks.items()
        ]
        rows += [
            [name, *(f"{value:.4g}" if heading == MEASURES["test_loss"] else "" for heading in headings)]
            for name, value in self.baselines.items()
        ]
        return ["network", *headings], rows

    def as_markdown(self, *, picture: str | None = None) -> str:
        """The result as a page: what was run, the table, the verdicts.

        Args:
            picture: address of the figure; None for none.
        """
        headings, rows = self.as_rows()
        with_activation = f", {self.activation}" if self.activation else ""
        lines = [
            f"## {self.title}",
            "",
            f"{self.source}. Data: {self.data}{with_activation}; {self.train_samples:,} training samples, "
            f"{self.epochs} epochs, {self.seeds} seeds; score: {self.score}. "
            "Mean ± half of the 95 % interval.",
            "",
            "| " + " | ".join(map(_cell, headings)) + " |",
            "|" + "---|" * len(headings),
            *("| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows),
            "",
            "| claim | this run | evidence |",
            "|---|---|---|",
            *(
                f"| {_cell(verdict.claim)} | **{verdict.judgement}** | {_cell(verdict.evidence)} |"
                for verdict in self.verdicts
            ),
            "",
            f"`{self.command}`, {self.seconds / 60:.0f} minutes of one core; "
            + ", ".join(f"{name} {version}" for name, version in self.versions.items())
            + ".",
        ]
        if picture:
            lines[4:4] = [f"![{self.title}]({picture})", ""]
        return "\n".join(lines) + "\n"


def make_result(
    setting: Setting,
    outcomes: Outcomes,
    *,
    command: str,
    score: str,
    train_samples: int,
    baselines: Mapping[str, float],
    versions: Mapping[str, str],
    seconds: float,
) -> Result:
    """Brings outcomes into the form in which they are kept and shown."""
    labels = {name: outcomes.label(name) for name in outcomes.networks}
    metrics = dict.fromkeys(["loss", "val_loss", score])
    return Result(
        experiment=setting.experiment.name,
        title=setting.experiment.title,
        source=setting.experiment.source,
        command=command,
        study=setting.study_name,
        data=setting.data,
        activation=setting.activation,
        epochs=setting.size.epochs,
        seeds=len(outcomes.seeds),
        train_samples=train_samples,
        score=score,
        networks={
            label: _measures(outcomes, name, setting.experiment.measures) for name, label in labels.items()
        },
        curves={
            label: {
                metric: tuple(_rounded(part.tolist()) for part in outcomes.curve(name, metric))  # type: ignore[misc]
                for metric in metrics
            }
            for name, label in labels.items()
        },
        gradients={
            label: {
                "layers": list(outcomes.gradients(name)[1]),
                "log10_rms": [_rounded(row.tolist(), 2) for row in outcomes.gradients(name)[0]],
            }
            for name, label in labels.items()
        },
        verdicts=[claim.judge(outcomes) for claim in setting.experiment.claims],
        baselines=baselines,
        versions=versions,
        seconds=seconds,
    )


def result_from_json(text: str) -> Result:
    """The result that `Result.as_json` wrote; what was no finite number is NaN."""
    values = _with_nan(json.loads(text))
    values["networks"] = {
        label: {
            heading: Measured(one["mean"], one["interval"] and tuple(one["interval"]), tuple(one["values"]))
            for heading, one in measures.items()
        }
        for label, measures in values["networks"].items()
    }
    values["verdicts"] = [Verdict(**verdict) for verdict in values["verdicts"]]
    return Result(**values)


def write_result(result: Result, directory: Path) -> list[Path]:
    """Writes `result.json` and `result.md`; returns their paths."""
    directory.mkdir(parents=True, exist_ok=True)
    files = {
        directory / "result.json": result.as_json(),
        directory / "result.md": result.as_markdown(picture="figure.png"),
    }
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
    return list(files)


def _measures(outcomes: Outcomes, network: str, names: Sequence[str]) -> dict[str, Measured]:
    return {MEASURES[name]: Measured.of(outcomes.values(network, name)) for name in names}


def _rounded(values: Sequence[float], digits: int = _DIGITS) -> list[float]:
    return [round(value, digits) for value in values]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _with_nan(value: Any) -> Any:
    """Null is a number that was not finite; only an interval may be missing."""
    if isinstance(value, dict):
        return {key: item if key == "interval" else _with_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_nan(item) for item in value]
    return math.nan if value is None else value
