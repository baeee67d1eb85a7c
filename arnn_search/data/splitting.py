"""Which samples train, which choose the architecture, and which judge it at the end."""

import numpy as np

from arnn_search.data.raw import Array
from arnn_search.errors import DataError


def split(
    num_samples: int,
    labels: Array | None,
    *,
    num_validation: int,
    num_test: int,
    seed: int,
) -> tuple[Array, Array, Array]:
    """Draw the rows of the three parts, shuffled, stratified for classes.

    Args:
        num_samples: How many samples there are.
        labels: Their class numbers, or None where there are no classes.
        num_validation: Samples to draw for validation; 0 where the source brings its own.
        num_test: Samples to draw for the test; 0 where the source brings its own.
        seed: The same seed draws the same rows.

    Returns:
        Row numbers of the training, validation and test part: disjoint, and together all of them.

    Raises:
        DataError: There are too few samples.
    """
    if num_samples - num_validation - num_test < 1:
        raise DataError(
            f"{num_samples} samples are too few for {num_validation} in validation and {num_test} in the "
            "test part: add some or lower these shares."
        )
    rows = np.arange(num_samples)
    rows, test = _draw(rows, labels, num_test, seed, "the test")
    training, validation = _draw(rows, labels, num_validation, seed, "validation")
    return training, validation, test


def subset(rows: Array, labels: Array | None, *, num_samples: int, seed: int) -> Array:
    """Draw `num_samples` of the training `rows`, stratified for classes; all, if there are no more.

    Raises:
        DataError: There would be fewer samples than classes.
    """
    if num_samples >= len(rows):
        return rows
    if labels is None:
        return _draw(rows, None, len(rows) - num_samples, seed, "")[0]
    num_classes = len(np.unique(labels[rows]))
    if num_samples < num_classes:
        raise DataError(
            f"max_train_samples={num_samples} leaves some of the {num_classes} classes without a sample: "
            f"give at least {num_classes}."
        )
    if len(rows) - num_samples < num_classes:
        # scikit-learn wants to leave out one sample of each class or more; these few come from the largest.
        kept = rows
        while len(kept) > num_samples:
            largest = np.bincount(labels[kept]).argmax()
            kept = np.delete(kept, np.flatnonzero(labels[kept] == largest)[-1])
        return kept
    return _draw(rows, labels, len(rows) - num_samples, seed, "the subset of the training part")[0]


def _draw(rows: Array, labels: Array | None, num_drawn: int, seed: int, purpose: str) -> tuple[Array, Array]:
    if not num_drawn:
        return rows, rows[:0]
    from sklearn.model_selection import train_test_split

    strata = None if labels is None else labels[rows]
    try:
        kept, drawn = train_test_split(rows, test_size=num_drawn, random_state=seed % 2**32, stratify=strata)
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"{num_drawn} of {len(rows)} samples cannot be drawn for {purpose} with every class in it: add "
            f"samples or change the shares ({reason})."
        ) from error
    return kept, drawn
