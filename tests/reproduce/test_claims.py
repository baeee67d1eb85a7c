import math

import numpy as np
import pytest
from scipy import stats

from arnn_search.matched.outcomes import Outcomes, Run
from arnn_search.reproduce.claims import Factor, Level, Smaller


def outcomes(**scores):
    """Networks whose runs, from seed 0 on, end with these validation losses."""
    runs = [
        Run(
            network=network,
            seed=seed,
            epochs={1: {"val_loss": loss + 1, "loss": loss}, 2: {"val_loss": loss, "loss": loss}},
            seconds=loss,
            gradient_rms=np.ones((2, 1), "float32"),
            layers=("dense",),
            score=("val_loss", False),
        )
        for network, losses in scores.items()
        for seed, loss in enumerate(losses)
    ]
    return Outcomes(runs, {name: name.upper() for name in scores})


def test_smaller_is_supported_where_the_interval_of_the_pairs_lies_below_0():
    verdict = Smaller("AR is lower", "val_loss", "ar", ("classic",)).judge(
        outcomes(classic=[1.0, 2.0, 3.0], ar=[0.5, 1.4, 2.6])
    )
    assert verdict.judgement == "supported"
    differences = [-0.5, -0.6, -0.4]
    low, high = stats.t.interval(0.95, 2, np.mean(differences), stats.sem(differences))
    assert f"-0.5 ({low:.4g} .. {high:.4g}, 3 seeds)" in verdict.evidence
    assert "AR 1.5, CLASSIC 2" in verdict.evidence


def test_pairs_decide_not_the_networks_spread_over_seeds():
    apart = outcomes(classic=[1.0, 5.0, 9.0], ar=[0.9, 4.9, 8.9])
    assert Smaller("", "val_loss", "ar", ("classic",)).judge(apart).judgement == "supported"


def test_the_other_way_round_is_contradicted_and_an_interval_over_0_undecided():
    claim = Smaller("", "val_loss", "ar", ("classic",))
    assert claim.judge(outcomes(classic=[1.0, 2.0, 3.0], ar=[1.5, 2.6, 3.4])).judgement == "contradicted"
    assert claim.judge(outcomes(classic=[1.0, 2.0, 3.0], ar=[1.5, 1.2, 3.1])).judgement == "undecided"
    larger = Smaller("", "val_loss", "ar", ("classic",), larger=True)
    assert larger.judge(outcomes(classic=[1.0, 2.0, 3.0], ar=[1.5, 2.6, 3.4])).judgement == "supported"


def test_a_claim_over_several_networks_needs_all_of_them():
    claim = Smaller("", "val_loss", "ar", ("classic", "bn"))
    lower, same = [0.5, 1.4, 2.6], [1.0, 2.0, 3.0]
    assert claim.judge(outcomes(classic=same, bn=[1.5, 2.6, 3.4], ar=lower)).judgement == "supported"
    assert claim.judge(outcomes(classic=same, bn=lower, ar=lower)).judgement == "undecided"
    assert claim.judge(outcomes(classic=same, bn=[0.1, 0.9, 2.2], ar=lower)).judgement == "contradicted"


def test_one_seed_decides_nothing():
    for claim in (
        Smaller("", "val_loss", "ar", ("classic",)),
        Factor("", "val_loss", "classic", "ar", 15.0),
        Level("", "val_loss", "ar", "classic", 0.05),
    ):
        verdict = claim.judge(outcomes(classic=[100.0], ar=[1.0]))
        assert verdict.judgement == "undecided"
        assert "one seed, which decides nothing" in verdict.evidence


def test_factor_is_judged_by_the_ratio_of_the_pairs():
    claim = Factor("", "val_loss", "classic", "ar", 2.0)
    assert claim.judge(outcomes(classic=[2.0, 4.1, 5.9], ar=[1.0, 2.0, 3.0])).judgement == "supported"
    assert claim.judge(outcomes(classic=[1.1, 2.1, 3.2], ar=[1.0, 2.0, 3.0])).judgement == "contradicted"
    threefold = outcomes(classic=[3.0, 6.1, 9.1], ar=[1.0, 2.0, 3.0])
    assert claim.judge(threefold).judgement == "contradicted"
    at_least = Factor("", "val_loss", "classic", "ar", 2.0, at_least=True)
    assert at_least.judge(threefold).judgement == "supported"
    assert "ratio 3.03" in at_least.judge(threefold).evidence


def test_level_means_that_the_interval_lies_within_the_margin():
    claim = Level("", "val_loss", "ar", "classic", 0.05)
    assert claim.judge(outcomes(classic=[1.0, 2.0, 3.0], ar=[1.01, 2.0, 3.01])).judgement == "supported"
    assert claim.judge(outcomes(classic=[1.0, 2.0, 3.0], ar=[1.2, 2.5, 3.5])).judgement == "contradicted"
    assert claim.judge(outcomes(classic=[1.0, 2.0, 3.0], ar=[1.2, 1.8, 3.0])).judgement == "undecided"


def test_a_loss_that_is_no_finite_number_decides_nothing():
    verdict = Smaller("", "seconds", "ar", ("classic",)).judge(
        outcomes(classic=[1.0, 2.0, 3.0], ar=[0.5, math.nan, 2.6])
    )
    assert verdict.judgement == "undecided"


def test_seeds_that_lack_a_network_are_left_out():
    found = outcomes(classic=[1.0, 2.0, 3.0], ar=[0.5, 1.4])
    assert found.seeds == (0, 1)
    assert found.values("classic", "val_loss") == [1.0, 2.0]


def test_epochs_to_reach_counts_to_the_first_networks_best_loss():
    found = outcomes(classic=[1.0, 2.0], ar=[0.0, 2.5])
    assert found.values("classic", "epochs_to_reach") == [2.0, 2.0]
    assert found.values("ar", "epochs_to_reach") == [1.0, 3.0]


def test_unknown_measure_is_an_error():
    with pytest.raises(KeyError, match="beauty"):
        outcomes(ar=[1.0]).values("ar", "beauty")
