import math

import pytest

from arnn_search.errors import ConfigurationError
from arnn_search.health.race import StepRace


def test_rungs_grow_by_the_factor():
    assert StepRace(race_first_rung=8, race_factor=2, race_rungs=3).rungs == (8, 16, 32)


@pytest.mark.parametrize(
    ("loss", "others", "goes_on"),
    [
        (2.0, [], True),
        (2.0, [1.0], True),
        (2.0, [1.0, 1.5], False),
        (1.2, [1.0, 1.5, 1.6], True),
        (1.2, [1.0, 1.1, 1.6], False),
        (1.2, [1.0, 1.5, 1.6, 1.7, 1.8], True),
        (math.nan, [2.0, 2.0], False),
        (2.0, [math.nan, math.nan], True),
    ],
)
def test_the_best_share_goes_on(loss, others, goes_on):
    assert StepRace(race_share=1 / 3, race_fewest=3).goes_on(0, loss, others) is goes_on


def test_the_share_shrinks_from_rung_to_rung():
    race = StepRace(race_share=0.8, race_share_factor=0.5, race_rungs=3)
    losses = [float(loss) for loss in range(1, 10)]
    assert [sum(race.goes_on(rung, one, losses) for one in losses) for rung in range(3)] == [8, 4, 2]


@pytest.mark.parametrize("name", ["race_share", "race_share_factor"])
@pytest.mark.parametrize("value", [0.0, -0.5, 1.5])
def test_what_is_no_share_is_refused(name, value):
    with pytest.raises(ConfigurationError, match=f"`{name}`"):
        StepRace(**{name: value})
