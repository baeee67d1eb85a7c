import math

import pytest

from arnn_search.health import collapse, health_score, stability, uniformity, vanishing_index

HEALTHY = {"vanishing_index": 0.0, "collapse": 0.0, "uniformity": 0.0, "stability": 0.0, "saturation": 0.0}


def test_indices_of_a_known_gradient():
    gradient = [1e-4, 1e-2, 1e-3, 1.0]
    assert vanishing_index(gradient) == pytest.approx(-4)
    assert collapse(gradient) == pytest.approx(-4)
    assert uniformity(gradient) == pytest.approx(
        math.sqrt(((-4 + 2.25) ** 2 + 0.25**2 + 0.75**2 + 2.25**2) / 4)
    )
    assert collapse([1e-2, 1e-5, 1e-1]) == pytest.approx(-4)


def test_stability_is_the_spread_over_epochs():
    assert stability([[1e-1, 1.0], [1e-3, 1.0]]) == pytest.approx(0.5)
    assert math.isnan(stability([[1e-1, 1.0]]))


def test_zero_gradients_give_finite_indices():
    assert vanishing_index([0.0, 1.0]) == -20


def test_unknown_gradients_give_unknown_indices():
    assert math.isnan(vanishing_index([1.0]))
    assert math.isnan(collapse([1.0, math.nan]))


def test_negative_root_mean_square_is_refused():
    with pytest.raises(ValueError, match="cannot be negative"):
        uniformity([-1.0, 1.0])


def test_perfect_health_scores_one():
    assert health_score(**HEALTHY) == 1


@pytest.mark.parametrize("name", [*HEALTHY, "nonfinite_share"])
def test_score_falls_with_each_index(name):
    scores = [health_score(**(HEALTHY | {name: value})) for value in (0.0, 0.2, 0.5, 0.9)]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 4
    assert all(0 <= score <= 1 for score in scores)


def test_score_leaves_out_what_is_unknown_and_is_zero_when_nothing_is_finite():
    assert health_score(**(HEALTHY | {"stability": math.nan})) == 1
    assert health_score(**(HEALTHY | {"nonfinite_share": 1.0})) == 0
    assert math.isnan(health_score(**dict.fromkeys(HEALTHY, math.nan)))
