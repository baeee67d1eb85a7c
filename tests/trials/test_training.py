"""Whole epochs in one call give the numbers of `model.fit`."""

import keras
import numpy as np

from arnn_search.health import GradientTelemetry
from arnn_search.trials import training
from arnn_search.trials.training import takes_whole_epochs, train

GENERATOR = np.random.default_rng(0)
TRAINING = (GENERATOR.random((75, 6), dtype="float32"), GENERATOR.integers(0, 3, 75))
VALIDATION = (GENERATOR.random((21, 6), dtype="float32"), GENERATOR.integers(0, 3, 21))


class OwnStep(keras.Model):
    def train_step(self, *arguments):
        return super().train_step(*arguments)


class Record(keras.callbacks.Callback):
    def __init__(self, last_epoch=None):
        super().__init__()
        self.epochs, self.last_epoch, self.ended = {}, last_epoch, None

    def on_epoch_end(self, epoch, logs=None):
        self.epochs[epoch] = dict(logs)
        self.model.stop_training = epoch == self.last_epoch

    def on_train_end(self, logs=None):
        self.ended = dict(logs)


def _model(make=keras.Model, *, averages=False, **settings):
    keras.utils.set_random_seed(3)
    inputs = keras.Input((6,))
    x = keras.layers.Dense(8, activation="tanh")(inputs)
    x = keras.layers.Dropout(0.3)(keras.layers.BatchNormalization()(x))
    model = make(inputs, keras.layers.Dense(3, activation="softmax")(x))
    optimizer = keras.optimizers.Adam(0.01, use_ema=averages, ema_momentum=0.9)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"], **settings)
    return model


def _train(model, **settings):
    record = Record(settings.pop("last_epoch", None))
    settings = {"epochs": 3, "batch_size": 16, "callbacks": [record]} | settings
    train(model, TRAINING, VALIDATION, **settings)
    return record


def _same_weights(first, second):
    return all(map(np.array_equal, first.get_weights(), second.get_weights()))


def test_whole_epochs_give_the_numbers_of_fit():
    fitted, trained = _model(averages=True), _model(averages=True)
    assert takes_whole_epochs(trained, TRAINING)
    record = Record()
    fitted.fit(*TRAINING, validation_data=VALIDATION, epochs=3, batch_size=16, verbose=0, callbacks=[record])
    GradientTelemetry(trained)  # which looks on, and changes nothing
    assert _train(trained).epochs == record.epochs
    assert _same_weights(fitted, trained)


def test_compilation_by_xla_is_kept(monkeypatch):
    fitted, trained = _model(), _model()
    # Keras itself refuses it in a process where an earlier test has asked for determinism.
    monkeypatch.setattr(keras.Model, "jit_compile", property(lambda model: True))
    fitted.fit(*TRAINING, batch_size=25, verbose=0)
    train(trained, TRAINING, epochs=1, batch_size=25)
    assert _same_weights(fitted, trained)


def test_training_step_is_traced_once():
    model, traced = _model(), []
    step = model.train_step
    model.train_step = lambda data: (traced.append(1), step(data))[1]
    _train(model)
    assert len(traced) == 1


def test_callback_ends_the_training_and_the_rest_follows_as_if_it_had_not():
    whole, broken = _model(), _model()
    record = _train(whole, epochs=4)
    first = _train(broken, epochs=4, last_epoch=1)
    assert first.ended == first.epochs[1] == record.epochs[1]
    keras.utils.set_random_seed(3)
    second = _train(broken, epochs=4, initial_epoch=2)
    assert first.epochs | second.epochs == record.epochs


def test_what_cannot_be_one_call_is_left_to_fit(monkeypatch):
    own = _model(OwnStep)
    assert not takes_whole_epochs(own, TRAINING)
    assert _train(own).epochs == _train(_model()).epochs
    assert own.steps_per_execution == 5
    assert not takes_whole_epochs(_model(steps_per_execution=2), TRAINING)
    assert not takes_whole_epochs(_model(run_eagerly=True), TRAINING)
    chosen = _model()
    assert _train(chosen, steps_per_execution=3).epochs == _train(_model()).epochs
    assert chosen.steps_per_execution == 3
    monkeypatch.setattr(training, "_MOST_BYTES", 100)
    assert not takes_whole_epochs(_model(), TRAINING)
