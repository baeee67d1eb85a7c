"""What a candidate shows in its first training steps, before it is decided which one is trained."""

import math

import keras
import numpy as np

from arnn_search.trials.data_parallel import Part


def loss_of_first_steps(
    model: keras.Model, training: Part, *, batch_size: int, steps: int, seed: int
) -> float:
    """Trains for a few steps, and tells the mean training loss of the later half of them.

    The first half is left out: what a loss is before anything was learned says little of what will be.

    Args:
        model: compiled; it is of no use afterwards.
        training: inputs and targets, `(samples, ...)` each.
        batch_size: samples per step.
        steps: at least 1; where the samples are fewer than that takes, they are used again.
        seed: of the samples' order.

    Returns:
        The loss; infinity if it is not finite.
    """
    order = np.random.default_rng(seed).permutation(len(training[0]))
    losses = []
    for step in range(steps):
        rows = np.sort(np.take(order, range(step * batch_size, (step + 1) * batch_size), mode="wrap"))
        model.reset_metrics()
        logs = model.train_on_batch(*(part[rows] for part in training), return_dict=True)
        losses.append(float(logs["loss"]))
    loss = float(np.mean(losses[steps // 2 :]))
    return loss if math.isfinite(loss) else math.inf
