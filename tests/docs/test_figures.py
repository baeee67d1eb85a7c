"""The README's figures are those of the committed benchmark results, and no others."""

import json
import re

import pytest

from tests.docs.blocks import ROOT

FIGURES = {
    "training step, poster's network, AR with one scale per filter": (
        "layers",
        "training step, no BN: interior, uniform, fixed L",
    ),
    "the same, AR as published (another scale at padded borders)": (
        "layers",
        "training step, no BN: padded, uniform, fixed L",
    ),
    "the same, computed the published way": (
        "layers",
        "training step, no BN: published way (padded, uniform, fixed L)",
    ),
    "gradients of every layer followed in every step": ("telemetry", "poster's network, classic: on"),
    "a study of 8 short trials, two workers": (
        "study",
        "poster-cnn, 5 epochs: study / bare loop, default workers",
    ),
    "the same 20 trials, two workers, everything on": ("peers", "ours / KerasTuner"),
    "the same": ("peers", "ours / Optuna"),
}


def _rows():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text[text.index("## Figures") : text.index("`arnn-search reproduce` trains")]
    return dict(re.findall(r"^\| ([^|]+?) \|.*\| ([\d.]+ \([\d.]+ \.\. [\d.]+\)) \|$", section, re.MULTILINE))


def test_every_figure_has_its_measurement():
    assert set(_rows()) == set(FIGURES)


@pytest.mark.parametrize("row", FIGURES)
def test_figure_of_the_readme_is_the_committed_one(row):
    benchmark, name = FIGURES[row]
    path = ROOT / "benchmarks" / "results" / f"{benchmark}.json"
    figures = {figure["name"]: figure["value"] for figure in json.loads(path.read_text())["figures"]}
    value = figures[name]
    assert _rows()[row] == f"{value['median']:.2f} ({value['lower']:.2f} .. {value['upper']:.2f})"


def test_verdicts_of_the_readme_are_the_committed_ones():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    stated = re.findall(r"^\| `([\w-]+)` \| ([^|]+) \| \*\*(\w+)\*\* \|$", text, re.MULTILINE)
    assert stated
    for experiment in {experiment for experiment, _, _ in stated}:
        path = ROOT / "docs" / "results" / f"{experiment}.json"
        verdicts = [(one["claim"], one["judgement"]) for one in json.loads(path.read_text())["verdicts"]]
        # All of an experiment's claims or none: a selection could hide the losses.
        assert [row[1:] for row in stated if row[0] == experiment] == verdicts
