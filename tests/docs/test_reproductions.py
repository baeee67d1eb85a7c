"""The page of reproductions is made from whatever results are committed."""

import dataclasses
import importlib
import math
from pathlib import Path

import pytest

from arnn_search.matched.measured import Measured
from arnn_search.reproduce.claims import Verdict
from arnn_search.reproduce.experiments import EXPERIMENTS
from arnn_search.reproduce.result import Result, result_from_json

DOCS = Path(__file__).parents[2] / "docs"
RESULT = Result(
    experiment="relu",
    title="ReLU units",
    source="A paper",
    command="arnn-search reproduce relu",
    study="relu-glucose-relu",
    data="glucose",
    activation="relu",
    epochs=2,
    seeds=2,
    train_samples=1000,
    score="val_loss",
    networks={
        "classic": {"|V|": Measured(0.25, (0.2, 0.3), (0.24, 0.26))},
        "AR": {"|V|": Measured(math.nan, None, ())},
    },
    curves={"classic": {"loss": ([1.0, 0.5], [0.1, math.nan])}},
    gradients={"classic": {"layers": ["dense"], "log10_rms": [[-2.0, -1.0]]}},
    verdicts=[Verdict("AR is behind at first", "contradicted", "AR 1, classic 2")],
    versions={"keras": "3"},
    seconds=60.0,
)


@pytest.fixture
def reproductions(monkeypatch):
    monkeypatch.syspath_prepend(DOCS / "making")
    return importlib.import_module("reproductions")


def test_result_is_read_as_it_was_written():
    read = result_from_json(RESULT.as_json())
    assert read.as_json() == RESULT.as_json()
    assert read.networks["classic"] == RESULT.networks["classic"]
    assert math.isnan(read.networks["AR"]["|V|"].mean)
    assert read.networks["AR"]["|V|"].interval is None
    assert read.verdicts == RESULT.verdicts


def test_sections_show_wins_and_losses_of_what_is_committed(reproductions, tmp_path):
    (tmp_path / "relu.json").write_text(RESULT.as_json())
    (tmp_path / "relu.png").write_bytes(b"")
    text = reproductions.sections(tmp_path)
    assert text.startswith("## ReLU units { #relu }")
    address = f"{tmp_path.name}/relu.png"
    assert f"[![ReLU units]({address})]({address})" in text
    assert "| network | \\|V\\| |" in text
    assert "| classic | 0.25 ± 0.05 |" in text
    assert "| AR is behind at first | **contradicted** | AR 1, classic 2 |" in text
    assert text.endswith("Not run at its default size yet: `poster`, `arp-mlp`, `calibration`, `recurrent`.")
    assert "| [`relu`](#relu) | AR is behind at first | **contradicted** |" in reproductions.verdicts(
        tmp_path
    )


def test_no_result_is_said(reproductions, tmp_path):
    assert reproductions.verdicts(tmp_path) == "No result has been committed yet."
    assert all(f"`{name}`" in reproductions.sections(tmp_path) for name in EXPERIMENTS)


def test_committed_results_are_of_the_default_size_and_have_their_figures(reproductions):
    for name, result in reproductions.committed().items():
        usual = EXPERIMENTS[name].size
        assert (result.experiment, result.epochs, result.seeds) == (name, usual.epochs, usual.seeds)
        assert dataclasses.asdict(result)["verdicts"]
        assert any((reproductions.RESULTS / f"{name}{suffix}").is_file() for suffix in (".svg", ".png"))
