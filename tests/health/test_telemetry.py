import keras
import numpy as np
import pytest

from arnn_search.health import GradientTelemetry


def _model(optimizer="sgd", *, dtype=None):
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(5, activation="tanh", name="first", dtype=dtype),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.Dense(1, name="last"),
        ]
    )
    model.compile(optimizer=optimizer, loss="mse")
    return model


@pytest.fixture
def batch():
    generator = np.random.default_rng(0)
    return generator.normal(size=(64, 6)).astype("float32"), generator.normal(size=(64, 1)).astype("float32")


def _analytic_last_rms(model, x, y):
    hidden = keras.Model(model.inputs, model.get_layer("norm").output)
    features = keras.ops.convert_to_numpy(hidden([x], training=True))
    predicted = keras.ops.convert_to_numpy(model(x, training=True))
    gradient = 2 * features.T @ (predicted - y) / len(y)
    return np.sqrt((gradient**2).mean())


def test_mean_rms_of_one_step_is_that_of_the_analytic_gradient(batch):
    x, y = batch
    model = _model(keras.optimizers.SGD(0.0))
    expected = _analytic_last_rms(model, x, y)
    telemetry = GradientTelemetry(model)
    assert telemetry.layer_names == ("first", "last")
    model.fit(x, y, batch_size=64, epochs=1, shuffle=False, verbose=0)
    read = telemetry.read()
    assert read.steps == 1
    assert read.mean_rms[1] == pytest.approx(expected, rel=1e-4)
    assert read.max_rms[1] == pytest.approx(expected, rel=1e-4)


def test_every_step_counts_and_reading_starts_anew(batch):
    x, y = batch
    model = _model(keras.optimizers.Adam(1e-2))
    telemetry = GradientTelemetry(model)
    model.fit(x, y, batch_size=16, epochs=2, verbose=0)
    assert telemetry.read().steps == 8
    assert telemetry.read().steps == 0
    model.fit(x, y, batch_size=16, epochs=1, verbose=0)
    assert telemetry.read().steps == 4


def test_each_epoch_of_one_fit_reads_its_own_steps(batch):
    x, y = batch
    model = _model(keras.optimizers.SGD(1e-2))
    telemetry = GradientTelemetry(model)
    reads = []
    read_it = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: reads.append(telemetry.read()))
    model.fit(x, y, batch_size=16, epochs=3, validation_data=(x, y), callbacks=[read_it], verbose=0)
    assert [read.steps for read in reads] == [4, 4, 4]
    assert all(read.mean_rms.min() > 0 for read in reads)


def test_training_is_bit_for_bit_the_same_with_and_without(batch):
    x, y = batch
    trained = []
    for watched in (False, True):
        model = _model(keras.optimizers.Adam(1e-2))
        if watched:
            GradientTelemetry(model)
        keras.utils.set_random_seed(5)
        model.fit(x, y, batch_size=16, epochs=2, verbose=0)
        trained.append(model.get_weights())
    for plain, followed in zip(*trained, strict=True):
        np.testing.assert_array_equal(plain, followed)


def test_nonfinite_gradients_are_counted_and_do_not_spoil_the_mean(batch):
    x, y = batch
    y = y.copy()
    y[48:] = np.inf
    model = _model(keras.optimizers.SGD(0.0))
    telemetry = GradientTelemetry(model)
    model.fit(x, y, batch_size=16, epochs=1, shuffle=False, verbose=0)
    read = telemetry.read()
    assert (read.steps, read.nonfinite_steps) == (4, 1)
    assert np.isfinite(read.mean_rms).all()


def test_detach_gives_the_optimizer_its_class_back(batch):
    model = _model("adam")
    own_class = type(model.optimizer)
    telemetry = GradientTelemetry(model)
    assert type(model.optimizer) is not own_class
    telemetry.detach()
    assert type(model.optimizer) is own_class
    model.fit(*batch, epochs=1, verbose=0)
    assert telemetry.read().steps == 0


def test_loss_scaling_optimizer_is_watched_after_unscaling(batch):
    x, y = batch
    plain = _model(keras.optimizers.SGD(0.0))
    expected = _analytic_last_rms(plain, x, y)
    model = _model(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.0), initial_scale=64.0))
    telemetry = GradientTelemetry(model)
    model.fit(x, y, batch_size=64, epochs=1, shuffle=False, verbose=0)
    assert telemetry.read().mean_rms[1] == pytest.approx(expected, rel=1e-4)


def test_uncompiled_model_is_refused():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    with pytest.raises(ValueError, match="compiled"):
        GradientTelemetry(model)


def test_model_without_kernels_is_refused():
    model = keras.Sequential([keras.Input((2,)), keras.layers.BatchNormalization()])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="no trainable kernel"):
        GradientTelemetry(model)
