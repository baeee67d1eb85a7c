import numpy as np
import pytest

from arnn_search.data.splitting import split, subset
from arnn_search.errors import DataError

LABELS = np.repeat([0, 1, 2], [60, 30, 10])


@pytest.mark.parametrize("labels", [LABELS, None])
def test_parts_are_disjoint_and_cover_everything(labels: np.ndarray | None) -> None:
    parts = split(100, labels, num_validation=20, num_test=10, seed=0)
    assert [len(part) for part in parts] == [70, 20, 10]
    assert sorted(np.concatenate(parts).tolist()) == list(range(100))


def test_parts_hold_the_classes_in_proportion() -> None:
    parts = split(100, LABELS, num_validation=20, num_test=10, seed=0)
    assert [np.bincount(LABELS[part]).tolist() for part in parts] == [[42, 21, 7], [12, 6, 2], [6, 3, 1]]


def test_seed_decides_the_rows() -> None:
    first, again, other = (
        np.concatenate(split(100, LABELS, num_validation=20, num_test=10, seed=seed)) for seed in (1, 1, 2)
    )
    assert first.tolist() == again.tolist() != other.tolist()


def test_part_that_the_source_brings_is_not_drawn() -> None:
    parts = split(100, LABELS, num_validation=20, num_test=0, seed=0)
    assert [len(part) for part in parts] == [80, 20, 0]


def test_too_few_samples() -> None:
    with pytest.raises(DataError, match="2 samples are too few for 1 in validation and 1 in the test part"):
        split(2, None, num_validation=1, num_test=1, seed=0)
    with pytest.raises(
        DataError, match="2 of 100 samples cannot be drawn for the test with every class in it"
    ):
        split(100, LABELS, num_validation=20, num_test=2, seed=0)


@pytest.mark.parametrize("num_samples", [10, 50, 98, 99])
def test_subset_keeps_the_classes_in_proportion(num_samples: int) -> None:
    rows = subset(np.arange(100), LABELS, num_samples=num_samples, seed=0)
    assert len(set(rows.tolist())) == num_samples
    expected = np.array([0.6, 0.3, 0.1]) * num_samples
    assert (np.abs(np.bincount(LABELS[rows]) - expected) <= 1.5).all()


def test_subset_of_a_regression() -> None:
    assert len(subset(np.arange(100), None, num_samples=10, seed=0)) == 10


def test_subset_of_more_than_there_are_is_everything() -> None:
    assert len(subset(np.arange(100), LABELS, num_samples=1000, seed=0)) == 100


def test_subset_without_room_for_the_classes() -> None:
    with pytest.raises(DataError, match="max_train_samples=2 leaves some of the 3 classes without a sample"):
        subset(np.arange(100), LABELS, num_samples=2, seed=0)
