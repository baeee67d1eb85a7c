"""Weights that a later trial of the same architecture goes on with."""

from pathlib import Path

import keras
import numpy as np

from arnn_search.errors import StudyError
from arnn_search.trials.task import TrialTask


def save_weights(model: keras.Model, path: Path) -> None:
    """Writes the weights, without the optimizer's: who goes on has an optimizer of its own."""
    # NumPy's files know no bfloat16; in float32 it is exact.
    weights = [
        weight.astype("float32") if weight.dtype.kind == "V" else weight for weight in model.get_weights()
    ]
    unfinished = path.with_name(f"unfinished-{path.name}")
    np.savez(unfinished, *weights)
    unfinished.replace(path)


def load_initial_weights(task: TrialTask, model: keras.Model) -> None:
    """Gives a fresh model the weights that its trial goes on with.

    Raises:
        StudyError: they are gone, or are those of another architecture.
    """
    after = f"Trial {task.number} goes on after epoch {task.initial_epoch} of an earlier trial"
    if not task.initial_weights_path.is_file():
        raise StudyError(f"{after}, but the weights of that one are gone.")
    with np.load(task.initial_weights_path) as archive:
        weights = [archive[name] for name in archive.files]
    found, needed = [weight.shape for weight in weights], [tuple(one.shape) for one in model.weights]
    if found != needed:
        raise StudyError(
            f"{after}, which has another architecture: the space does not only follow its values."
        )
    model.set_weights(weights)
