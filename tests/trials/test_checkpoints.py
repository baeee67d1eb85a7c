"""A trial that goes on from a checkpoint gives the numbers of one that was never broken off."""

import dataclasses

import numpy as np
import pytest

from arnn_search.trials import checkpointing
from arnn_search.trials.channel import ChannelClosedError
from arnn_search.trials.outcome import TrialOutcome
from arnn_search.trials.run import run_trial
from arnn_search.trials.task import TrialTask
from tests.execution.recording import RecordingSession

SPACE = '''"""A small net that draws at random while it trains."""

import keras


class OwnStep(keras.Model):
    def train_step(self, *arguments):
        return super().train_step(*arguments)


def build(hp, data):
    inputs = keras.Input(data.input_shape)
    x = keras.layers.Dense(6, activation="tanh")(inputs)
    x = keras.layers.Dropout(0.3)(keras.layers.BatchNormalization()(x))
    model = {model}(inputs, keras.layers.Dense(data.output_units, activation="softmax")(x))
    model.compile({optimizer}, data.loss, metrics=data.metrics)
    return model
'''
DECAYING = "keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.05, 12))"
AVERAGING = "keras.optimizers.AdamW(0.02, use_ema=True, gradient_accumulation_steps=2)"
SCALING = "keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1, 0.9), dynamic_growth_steps=3)"


class Death(RecordingSession):
    """A supervisor's side that is gone after an epoch."""

    def __init__(self, last_epoch=0, *, before_report=False):
        super().__init__()
        self.last_epoch, self.before_report = last_epoch, before_report

    def report(self, report):
        if self.before_report and report.epoch == self.last_epoch:
            raise ChannelClosedError("gone")
        super().report(report)
        if report.epoch == self.last_epoch:
            raise ChannelClosedError("gone")

    @property
    def metrics(self):
        return {report.epoch: repr(report.metrics) for report in self.reports}


@pytest.fixture(autouse=True)
def every_epoch(monkeypatch):
    monkeypatch.setattr(checkpointing, "_EPOCHS_PER_WRITE", 0)


@pytest.fixture
def make_task(tmp_path, small_data):
    def make(name="trial", *, model="keras.Model", optimizer=DECAYING, **settings):
        space = tmp_path / "space.py"
        space.write_text(SPACE.format(model=model, optimizer=optimizer))
        directory = tmp_path / name
        directory.mkdir(exist_ok=True)
        task = TrialTask(
            number=0,
            seed=3,
            space=space,
            data=small_data.directory,
            directory=directory,
            epochs=5,
            batch_size=16,
            metric="val_accuracy",
            direction="maximize",
            keep_weights=True,
        )
        return dataclasses.replace(task, **settings)

    return make


def _run(task, session=None):
    session = session or RecordingSession()
    return run_trial(task, session), session


def _break_off(task, epoch, **how):
    session = Death(epoch, **how)
    with pytest.raises(ChannelClosedError):
        pytest.fail(run_trial(task, session).traceback)
    return session


def _weights(task):
    with np.load(task.weights_path) as archive:
        return [archive[name] for name in archive]


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"optimizer": AVERAGING},
        {"optimizer": SCALING},
        {"model": "OwnStep"},
        {"steps_per_execution": 2},
        {"telemetry": False},
    ],
    ids=["schedule", "averages", "loss scaling", "own step", "several steps", "no telemetry"],
)
def test_resumed_trial_gives_the_numbers_of_an_uninterrupted_one(make_task, how):
    whole, broken = make_task("whole", **how), make_task("broken", **how)
    outcome, expected = _run(whole)
    assert outcome == TrialOutcome("completed", "completed")
    _break_off(broken, 1)
    _break_off(broken, 3)
    ended, session = _run(broken)
    assert ended == outcome == TrialOutcome("completed", "completed")
    assert ("resumed", {"epoch": 3}) in session.events
    assert {one.epoch: repr(one.metrics) for one in session.reports} == {
        one.epoch: repr(one.metrics) for one in expected.reports
    }
    assert all(map(np.array_equal, _weights(whole), _weights(broken)))
    if whole.gradients_path.is_file():
        first, second = np.load(whole.gradients_path), np.load(broken.gradients_path)
        same = [
            np.array_equal(first[name], second[name], equal_nan=first[name].dtype.kind == "f")
            for name in first
        ]
        assert all(same)
