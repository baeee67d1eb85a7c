import math

import pytest

from arnn_search.health.race import StepRace


def test_rungs_grow_by_the_factor():
    assert StepRace(race_first_rung=8, race_factor=2, race_rungs=3).rungs == (8, 16, 32)


@pytest.mark.parametrize(
    ("loss", "others", "goes_on"),
    [
        (2.0, [], True),
        (2.0, [1.0], True),
        (2.0, [1.0, 1.5], False),
        (1.2, [1.0, 1.5, 1.6], False),
        (1.2, [1.0, 1.5, 1.6, 1.7, 1.8], True),
        (math.nan, [2.0, 2.0], False),
        (2.0, [math.nan, math.nan], True),
    ],
)
def test_the_best_share_goes_on(loss, others, goes_on):
    assert StepRace(race_share=1 / 3, race_fewest=3).goes_on(loss, others) is goes_on
