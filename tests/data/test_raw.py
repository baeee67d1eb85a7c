import numpy as np
import pytest

from arnn_search.data.raw import Array, infer_task


@pytest.mark.parametrize(
    ("y", "task"),
    [
        (np.array(["cat", "dog"]), "classification"),
        (np.array([True, False]), "classification"),
        (np.array([0.5, 1.5]), "regression"),
        (np.arange(1000), "classification"),
        (np.zeros((5, 2), dtype=int), "regression"),
        (np.zeros((5, 1), dtype=int), "classification"),
    ],
)
def test_type_of_the_labels_tells_the_task(y: Array, task: str) -> None:
    assert infer_task(y, integers_may_be_quantities=False) == task


@pytest.mark.parametrize(
    ("y", "task"),
    [
        (np.arange(150) % 3, "classification"),
        (np.arange(10000) % 100, "classification"),
        (np.arange(442) % 214, "regression"),
        (np.arange(19), "classification"),
    ],
)
def test_many_different_whole_numbers_in_a_table_are_quantities(y: Array, task: str) -> None:
    assert infer_task(y, integers_may_be_quantities=True) == task
