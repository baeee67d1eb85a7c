"""A watched training: probed without a trace, inspected every few steps, stopped in its first epoch."""

import math
import re

import keras
import numpy as np
import pytest

from arnn_search.health import GradientTelemetry
from arnn_search.health.probe import probe
from arnn_search.health.race import StepRace
from arnn_search.health.rule import HealthRule
from arnn_search.trials.health_watch import HealthWatch, chance_loss
from arnn_search.trials.outcome import TrialOutcome
from arnn_search.trials.training import train

from .test_training import TRAINING, VALIDATION, Record, _model, _same_weights

STEPS = 5
"""Of an epoch: 75 samples in batches of 16."""


class Answer:
    def __init__(self, outcome=None, last_rung=99):
        self.outcome, self.metrics, self.last_rung, self.rungs = outcome, [], last_rung, []

    def raced(self, report):
        self.rungs.append(report)
        return "race" if report.step >= self.last_rung else None

    def probed(self, metrics):
        self.metrics.append(metrics)
        return self.outcome


def _watch(model, channel, rule=None, race=None, *, trained_epochs=0, batch_size=16, epochs=2):
    return HealthWatch(
        model,
        channel,
        GradientTelemetry(model),
        saturation=None,
        targets=TRAINING[1],
        batch_size=batch_size,
        epochs=epochs,
        trained_epochs=trained_epochs,
        rule=rule,
        race=race,
        probes=True,
    )


def _train(model, watch=None, **settings):
    keras.utils.set_random_seed(5)  # on JAX and torch orders and dropout are drawn from what all share
    record = Record()
    train(model, TRAINING, VALIDATION, epochs=2, batch_size=16, callbacks=[record], watch=watch, **settings)
    return record


def _state(model):
    return [keras.ops.convert_to_numpy(one) for one in (*model.variables, *model.optimizer.variables)]


@pytest.mark.parametrize("steps_per_execution", [0, 2])
def test_watched_training_gives_the_same_numbers(steps_per_execution):
    plain, watched = _model(averages=True), _model(averages=True)
    channel = Answer()
    watch = _watch(watched, channel, HealthRule(window_steps=2), StepRace(race_first_rung=2, race_rungs=2))
    GradientTelemetry(plain)
    expected = _train(plain, steps_per_execution=steps_per_execution)
    record = _train(watched, watch, steps_per_execution=steps_per_execution)
    assert record.epochs == expected.epochs
    assert _same_weights(plain, watched)
    assert watch.outcome is None
    (metrics,) = channel.metrics
    assert metrics["initial_health/nonfinite_batches"] == 0
    assert 0 < metrics["initial_health/score"] <= 1
    assert [report.step for report in channel.rungs] == [2, 4]
    # Two full batches of the first epoch were seen before the first rung.
    assert channel.rungs[0].loss > expected.epochs[0]["loss"] * 0.5


@pytest.mark.parametrize("steps_per_execution", [0, 2])
def test_training_that_is_vetoed_takes_no_step(steps_per_execution):
    veto = TrialOutcome("infeasible", "exceeds min_initial_collapse")
    model, untouched = _model(), _model()
    watch = _watch(model, Answer(veto))
    assert _train(model, watch, steps_per_execution=steps_per_execution).epochs == {}
    assert watch.outcome == veto
    assert _same_weights(model, untouched)


@pytest.mark.parametrize("steps_per_execution", [0, 2])
def test_training_that_is_stopped_ends_within_its_first_epoch(steps_per_execution):
    model = _model()
    # Every gradient counts as exploding, and every loss as chance.
    rule = HealthRule(window_steps=2, patience=1, first_step=4, max_vanishing_index=-99.0, chance_margin=1.0)
    watch = _watch(model, Answer(), rule)
    assert _train(model, watch, steps_per_execution=steps_per_execution).epochs == {}
    assert watch.outcome.state == "pruned"
    assert watch.outcome.reason == "health: exploding gradient"
    assert watch.outcome.message.startswith("Stopped after step 4 of the first epoch")
    assert int(model.optimizer.iterations) == 4 < STEPS


@pytest.mark.parametrize("steps_per_execution", [0, 2])
def test_training_that_loses_its_race_ends_at_the_rung(steps_per_execution):
    model = _model()
    race = StepRace(race_first_rung=2, race_factor=2, race_rungs=2)
    watch = _watch(model, Answer(last_rung=4), race=race)
    assert _train(model, watch, steps_per_execution=steps_per_execution).epochs == {}
    assert watch.outcome.reason == "race"
    assert int(model.optimizer.iterations) == 4


@pytest.mark.parametrize("steps_per_execution", [0, 2])
def test_rungs_beyond_the_first_epoch_are_run_for(steps_per_execution):
    model, unstopped = _model(), _model()
    race = StepRace(race_first_rung=4, race_factor=2, race_rungs=2)
    channel = Answer(last_rung=8)
    watch = _watch(model, channel, HealthRule(window_steps=2, first_step=2, last_step=99), race)
    GradientTelemetry(unstopped)
    _train(unstopped, steps_per_execution=steps_per_execution)
    record = _train(model, watch, steps_per_execution=steps_per_execution)
    assert list(record.epochs) == [0]
    assert watch.outcome.reason == "race"
    assert re.match(r"Stopped after step [89]: its loss was", watch.outcome.message)
    assert [report.step for report in channel.rungs] == [4, 8]
    assert 8 <= int(model.optimizer.iterations) < int(unstopped.optimizer.iterations)


class Losses(keras.callbacks.Callback):
    """The mean loss of the epoch so far, after each step."""

    def __init__(self):
        super().__init__()
        self.after = []

    def on_train_batch_end(self, batch, logs=None):
        self.after.append(float(logs["loss"]))


@pytest.mark.parametrize("steps_per_execution", [0, 2, 3])
@pytest.mark.parametrize("batch_size", [4, 10, 16, 30])
@pytest.mark.parametrize("with_rule", [True, False])
def test_every_rung_before_the_end_is_run_for_once_and_not_early(
    steps_per_execution, batch_size, with_rule, monkeypatch
):
    steps = -(-len(TRAINING[0]) // batch_size)
    model, channel = _model(), Answer()
    race = StepRace(race_first_rung=2, race_factor=2, race_rungs=5)
    # It looks, and never stops: no loss is at chance.
    rule = HealthRule(window_steps=2, last_step=5, chance_margin=2.0) if with_rule else None
    watch = _watch(model, channel, rule, race, batch_size=batch_size)
    taken = []
    monkeypatch.setattr(
        channel,
        "raced",
        lambda report: taken.append((report.step, int(model.optimizer.iterations))) and None,
        raising=False,
    )
    train(
        model,
        TRAINING,
        VALIDATION,
        epochs=2,
        batch_size=batch_size,
        steps_per_execution=steps_per_execution,
        watch=watch,
    )
    at_a_time = steps_per_execution or (min(16, steps) if keras.config.backend() == "jax" else 1)
    late = 2 + at_a_time  # to the next look, which is the end of the epoch at the latest
    asked = dict(taken)
    assert len(asked) == len(taken)
    assert all(rung <= done < min(rung + late, 2 * steps) for rung, done in taken)
    assert set(asked) >= {rung for rung in race.rungs if rung + late <= 2 * steps}


def test_loss_at_a_rung_is_that_of_the_steps_since_the_last_look():
    model, channel = _model(), Answer()
    watch = _watch(model, channel, race=StepRace(race_first_rung=3, race_factor=2, race_rungs=2))
    single, losses = _model(), Losses()
    keras.utils.set_random_seed(5)
    train(model, TRAINING, VALIDATION, epochs=2, batch_size=16, watch=watch)
    keras.utils.set_random_seed(5)
    train(single, TRAINING, VALIDATION, epochs=2, batch_size=16, steps_per_execution=1, callbacks=[losses])
    assert [report.step for report in channel.rungs] == [3, 6]
    assert channel.rungs[0].loss == pytest.approx(losses.after[2], rel=1e-4)
    assert channel.rungs[1].loss == pytest.approx(losses.after[STEPS + 2], rel=1e-4)


def test_training_that_goes_on_after_an_epoch_runs_for_the_rungs_that_are_left():
    model, channel = _model(), Answer()
    race = StepRace(race_first_rung=3, race_factor=2, race_rungs=2)
    # Every gradient counts as exploding, and every loss as chance; but the first epoch is over.
    rule = HealthRule(window_steps=1, patience=1, first_step=1, max_vanishing_index=-99.0, chance_margin=1.0)
    watch = _watch(model, channel, rule, race, trained_epochs=1)
    record = _train(model, watch, initial_epoch=1, resumed_epochs=1)
    assert list(record.epochs) == [1]
    assert channel.metrics == []
    assert [report.step for report in channel.rungs] == [6]


def test_probe_is_the_mean_of_the_gradients_at_the_initial_weights():
    model = keras.Sequential(
        [keras.Input((6,)), keras.layers.BatchNormalization(), keras.layers.Dense(3, "softmax")]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    telemetry = GradientTelemetry(model)
    before = _state(model)

    def step(index):
        model.train_on_batch(*(part[index * 16 : (index + 1) * 16] for part in TRAINING))

    single = [probe(model, telemetry, step=lambda _, index=index: step(index), batches=1) for index in (0, 1)]
    both = probe(model, telemetry, step=step, batches=2)
    np.testing.assert_allclose(both.gradient_rms, np.mean([one.gradient_rms for one in single], axis=0))
    assert all(map(np.array_equal, before, _state(model)))


def test_loss_at_chance_is_that_of_the_best_constant_answer():
    model = _model()
    targets = np.array([0, 0, 0, 1])
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert chance_loss(model, targets) == pytest.approx(entropy, rel=1e-4)
    regression = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    regression.compile("sgd", "mse")
    values = np.array([[1.0, 0.0], [3.0, 0.0]], dtype="float32")
    assert chance_loss(regression, values) == pytest.approx(0.5)
    assert math.isnan(chance_loss(regression, np.zeros((3, 5), dtype="float32")))
