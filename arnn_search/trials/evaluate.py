"""Scoring a kept model again, in a process that did not train it."""

from pathlib import Path
from typing import Literal

import keras

from arnn_search import layers  # noqa: F401  (registers the layers that a kept model may hold)
from arnn_search.data import open_prepared


def evaluate_model(
    model: Path, data: Path, part: Literal["train", "validation", "test"], batch_size: int
) -> dict[str, float]:
    """Loads a model file and evaluates it.

    Args:
        model: a `.keras` file.
        data: the folder of the prepared data.
        part: the part of the data.
        batch_size: samples per step.

    Returns:
        Loss and compiled metrics by their names.
    """
    inputs, targets = getattr(open_prepared(data), part)()
    loaded = keras.saving.load_model(model)
    metrics = loaded.evaluate(inputs, targets, batch_size=batch_size, verbose=0, return_dict=True)
    return {name: float(value) for name, value in metrics.items()}
