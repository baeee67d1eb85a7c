"""What a candidate shows in its first steps."""

import math

import keras
import numpy as np

from arnn_search.trials.first_steps import loss_of_first_steps


def _model(learning_rate, *, loss="mse"):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(learning_rate), loss=loss)
    return model


def _data(samples=40):
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(samples, 3)).astype("float32")
    return inputs, inputs.sum(axis=1, keepdims=True)


def _losses(model, data, *, batch_size, steps, seed):
    """Step by step, with Keras' own `test_on_batch` before each."""
    order, losses = np.random.default_rng(seed).permutation(len(data[0])), []
    for step in range(steps):
        rows = np.sort(order[np.arange(step * batch_size, (step + 1) * batch_size) % len(order)])
        batch = [part[rows] for part in data]
        model.reset_metrics()
        losses.append(float(model.test_on_batch(*batch, return_dict=True)["loss"]))
        model.train_on_batch(*batch)
    return losses


def test_mean_of_the_later_half():
    data = _data()
    given = {"batch_size": 8, "steps": 9, "seed": 4}  # more steps than there are batches
    measured = loss_of_first_steps(_model(0.05), data, **given)
    expected = _losses(_model(0.05), data, **given)
    assert math.isclose(measured, np.mean(expected[4:]), rel_tol=1e-5)
    assert measured < 0.8 * np.mean(expected[:4])


def test_who_learns_faster_has_the_lower_loss():
    losses = [
        loss_of_first_steps(_model(rate), _data(), batch_size=8, steps=8, seed=0)
        for rate in (1e-4, 1e-2, 1e-1)
    ]
    assert losses == sorted(losses, reverse=True)


def test_loss_that_explodes_is_infinite():
    assert loss_of_first_steps(_model(1e30), _data(), batch_size=8, steps=8, seed=0) == math.inf
