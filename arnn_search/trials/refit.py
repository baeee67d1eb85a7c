"""Training a chosen architecture on training and validation data, for a fixed number of epochs."""

import os
from collections.abc import Mapping

import numpy as np

from arnn_search.data import open_prepared
from arnn_search.errors import SpaceError
from arnn_search.spaces.discovery import read_space_file
from arnn_search.spaces.hyperparameters import AskingHyperParameters
from arnn_search.spaces.parameters import Value
from arnn_search.spaces.space import load_space_file
from arnn_search.trials.framework import prepare_framework
from arnn_search.trials.task import TrialTask


def refit_model(
    task: TrialTask,
    parameters: Mapping[str, Value],
    *,
    threads: int | None,
    environment: Mapping[str, str],
) -> dict[str, float]:
    """Trains with nothing held back but the test part, and scores on that.

    There is no validation part left to choose an epoch by, so the last epoch's weights are kept.

    Args:
        task: what to train; its `epochs` are all trained.
        parameters: the hyperparameters.
        threads: CPU threads for a fresh process; None in one that already runs tensors.
        environment: of the slot; says which GPU may be used.

    Returns:
        Loss and metrics on the test part. The model is in `task.model_path`.

    Raises:
        SpaceError: the training diverged.
    """
    os.environ.update(environment)
    prepare_framework(task, threads=threads)
    data = open_prepared(task.data)
    space = load_space_file(read_space_file(task.space, origin="study"))
    model = space.build(AskingHyperParameters(lambda parameter: parameters[parameter.name]), data.spec)
    inputs, targets = (np.concatenate(parts) for parts in zip(data.train(), data.validation(), strict=True))
    history = model.fit(inputs, targets, epochs=task.epochs, batch_size=task.batch_size, verbose=0)
    if not np.isfinite(history.history["loss"][-1]):
        raise SpaceError(f"The retraining with seed {task.seed} diverged.")
    scores = model.evaluate(*data.test(), batch_size=task.batch_size, verbose=0, return_dict=True)
    task.directory.mkdir(parents=True, exist_ok=True)
    # A fresh optimizer: its state has no use in a file that is exported.
    model.compile_from_config(model.get_compile_config())
    model.save(task.model_path)
    return {name: float(value) for name, value in scores.items()}
