"""What an explanation says of scores, without training anything."""

import numpy as np
import pytest

from arnn_search.cli.durations import parse_duration
from arnn_search.errors import ConfigurationError
from arnn_search.explain.explanation import conclude, effects_of
from arnn_search.explain.variants import variants_of
from arnn_search.layers import RotatingLayer
from arnn_search.matched.outcomes import Outcomes, Run

FIXED = RotatingLayer("conv2d", learns_limit=False, is_normalized=False)
LEARNED = RotatingLayer("dense", learns_limit=True, is_normalized=False)
NORMALIZED = RotatingLayer("conv/2", learns_limit=False, is_normalized=True)


def test_variants_of_one_layer_are_those_of_all():
    assert [(variant.name, variant.label) for variant in variants_of([FIXED])] == [
        ("as_found", "as found"),
        ("all_classic", "all classic"),
        ("all_bn", "all BN"),
        ("other_limits", "limits learned"),
    ]


def test_each_layer_is_exchanged_in_turn_and_none_is_normalised_twice():
    variants = {variant.name: variant for variant in variants_of([FIXED, LEARNED, NORMALIZED])}
    assert variants["all_classic"].exchanges == {
        "conv2d": "classic",
        "dense": "classic",
        "conv/2": "classic",
    }
    assert variants["all_bn"].exchanges == {
        "conv2d": "batch_normalization",
        "dense": "batch_normalization",
        "conv/2": "classic",
    }
    assert variants["other_limits"].label == "limits exchanged"
    assert variants["2_conv_2_classic"].exchanges == {"conv/2": "classic"}
    assert variants["2_conv_2_classic"].label == "conv/2 classic, BN stays"
    assert "2_conv_2_bn" not in variants
    assert variants["1_dense_bn"].exchanges == {"dense": "batch_normalization"}


def _outcomes(scores, *, larger_is_better=True):
    labels = {name: name for name in scores}
    runs = [
        Run(
            network=name,
            seed=seed,
            epochs={1: {"score": value, "val_loss": 1.0, "health/vanishing_index": -1.0}},
            seconds=2.0 if name == "as_found" else 3.0,
            gradient_rms=np.ones((1, 1)),
            layers=("dense",),
            score=("score", larger_is_better),
        )
        for name, values in scores.items()
        for seed, value in enumerate(values)
    ]
    return Outcomes(runs, labels)


SCORES = {
    "as_found": [0.80, 0.90, 0.85],
    "all_classic": [0.70, 0.81, 0.74],
    "all_bn": [0.80, 0.91, 0.84],
    "0_dense_classic": [0.78, 0.88, 0.83],
}


def test_effects_are_differences_seed_by_seed():
    found = {effect.network: effect for effect in effects_of(_outcomes(SCORES), larger_is_better=True)}
    assert found["all_classic"].difference.values == pytest.approx((-0.10, -0.09, -0.11))
    assert found["all_classic"].difference.mean == pytest.approx(-0.10)
    low, high = found["all_classic"].difference.interval
    half = 4.3027 * 0.01 / 3**0.5  # Student's quantile for two degrees of freedom
    assert (low, high) == pytest.approx((-0.10 - half, -0.10 + half), rel=1e-4)
    assert found["all_classic"].judgement == "worse"
    assert found["all_bn"].judgement == "undecided"
    assert found["all_classic"].time_ratio.mean == pytest.approx(1.5)


def test_of_a_loss_less_is_better():
    found = effects_of(_outcomes(SCORES, larger_is_better=False), larger_is_better=False)
    assert {effect.network: effect.judgement for effect in found}["all_classic"] == "better"


def test_conclusion_names_what_the_rotation_is_worth_and_the_layer_that_costs_most():
    said = conclude(effects_of(_outcomes(SCORES), larger_is_better=True), metric="score")
    assert "Without any rotation score changes by -0.1000" in said
    assert "the rotation is part of what makes this network good" in said
    assert "costs most: 0_dense_classic (-0.0200)" in said
    one_seed = {name: values[:1] for name, values in SCORES.items()}
    said = conclude(effects_of(_outcomes(one_seed), larger_is_better=True), metric="score")
    assert "these seeds do not show that the rotation matters" in said


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("20m", 1200), ("1.5h", 5400)])
def test_durations(text, seconds):
    assert parse_duration("--budget", text) == seconds


@pytest.mark.parametrize("text", ["", "0", "-3", "20 minutes", "m"])
def test_what_is_no_duration(text):
    with pytest.raises(ConfigurationError, match="--budget must be a positive time"):
        parse_duration("--budget", text)
