"""A learnable limit goes where it helps."""

import keras
import numpy as np

from arnn_search import layers


def fitted(**limit):
    """A rotating unit whose weights are right already, and whose limit has to be found."""
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).uniform(-1, 1, (256, 3)).astype("float32")
    teacher, student = (
        layers.AutoRotDense(2, activation="tanh", value_range=(-1.0, 1.0), **settings)
        for settings in ({"limit": 0.5}, limit)
    )
    y = keras.ops.convert_to_numpy(teacher(x))
    student(x)
    student.kernel.assign(teacher.kernel)
    student.bias.assign(teacher.bias)
    student.kernel.trainable = student.bias.trainable = False
    inputs = keras.Input((3,))
    model = keras.Model(inputs, student(inputs))
    model.compile(keras.optimizers.Adam(1e-3), "mse")
    history = model.fit(x, y, batch_size=32, epochs=25, verbose=0).history["loss"]
    return np.ravel(keras.ops.convert_to_numpy(student.limit_values())), history


def test_limit_moves_to_where_the_loss_is_least():
    start = {"limit": 2.0, "learn_limit": True}
    limit, history = fitted(**start, limit_learning_rate_factor=30.0)
    np.testing.assert_allclose(limit, 0.5, rtol=0.05)
    assert history[-1] < history[0] / 100
    per_unit, _ = fitted(**start, limit_per_unit=True, limit_learning_rate_factor=30.0)
    np.testing.assert_allclose(per_unit, [0.5, 0.5], rtol=0.1)


def test_limit_with_a_factor_of_its_own_moves_farther_than_with_the_network_s_rate():
    slow, _ = fitted(limit=2.0, learn_limit=True)
    fast, _ = fitted(limit=2.0, learn_limit=True, limit_learning_rate_factor=30.0)
    assert 2.0 - fast[0] > 3 * (2.0 - slow[0]) > 0


def test_measured_limit_is_the_same_however_a_device_rounds():
    generator = np.random.default_rng(0)

    def softsign_of_a_device(z):
        off = 1.2e-7 * generator.choice([-1.0, 0.0, 1.0], size=tuple(z.shape))
        return keras.ops.multiply(keras.activations.softsign(z), (1.0 + off).astype("float32"))

    assert {layers.default_limit(softsign_of_a_device) for _ in range(20)} == {2.79}
