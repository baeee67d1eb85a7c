import pytest

from arnn_search.intervals import mean_interval, share_interval


def test_interval_of_a_mean_is_students():
    low, high = mean_interval([1.0, 2.0, 3.0])
    assert (high - low) / 2 == pytest.approx(4.3027 / 3**0.5, rel=1e-4)
    assert mean_interval([1.0]) is None


@pytest.mark.parametrize(
    ("share", "count", "expected"),
    [(0.5, 10, (0.2366, 0.7634)), (0.9, 100, (0.8256, 0.9448)), (1.0, 270, (0.98597, 1.0))],
)
def test_interval_of_a_share_is_wilsons(share, count, expected):
    assert share_interval(share, count) == pytest.approx(expected, abs=1e-4)
