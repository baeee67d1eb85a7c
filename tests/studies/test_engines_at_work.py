"""Engines under a supervisor: interleavings, crashes, and spaces that run out."""

import dataclasses

import pytest

import arnn_search
from arnn_search.execution.companion import InlineCompanion
from arnn_search.spaces.parameters import Parameter
from arnn_search.studies.engines import KerasTunerEngine, OptunaEngine
from arnn_search.studies.ledger import trial_attributes
from arnn_search.studies.listener import StudyListener
from arnn_search.trials.channel import Built, EpochReport, Verdict

from .scripted import COMPLETED, ScriptedExecutor
from .test_supervisor import Workplace

WIDTH = Parameter("width", "int", low=1, high=9, step=2, default=1)
FAMILY = Parameter("family", "categorical", choices=("classic", "ar"), default="classic")
SMALL = {"executor": "inline", "epochs": 2, "batch_size": 16, "mlflow": False}


def train(task, session):
    """Ten architectures; the score grows with the width and with every epoch."""
    yield None
    width = session.suggest(WIDTH)
    family = session.suggest(FAMILY)
    yield None
    session.built(Built(f"{family}-{width}", width))
    for epoch in range(task.initial_epoch + 1, task.epochs + 1):
        yield None
        session.report(EpochReport(epoch, {task.metric: width + epoch / 10, "loss": 0.1}, float(epoch)))
    if task.keep_weights:
        task.weights_path.write_bytes(b"weights")
    yield COMPLETED


def _optuna(sampler):
    return OptunaEngine(
        sampler=sampler, pruner="none", direction="maximize", epochs=9, seed=7, study_name="study"
    )


def _keras_tuner(oracle):
    return KerasTunerEngine(
        oracle=oracle,
        pruner="none",
        direction="maximize",
        epochs=9,
        seed=7,
        study_name="study",
        space=(WIDTH, FAMILY),
        start=InlineCompanion,
    )


ENGINES = {
    "grid": lambda: _optuna("grid"),
    "nsgaii": lambda: _optuna("nsgaii"),
    "random-oracle": lambda: _keras_tuner("random"),
    "hyperband-oracle": lambda: _keras_tuner("hyperband"),
    "grid-oracle": lambda: _keras_tuner("grid"),
}


@pytest.fixture(params=ENGINES)
def workplace(request, tmp_path):
    open_engines = []

    def make(name, **settings):
        made = Workplace(tmp_path / name, epochs=9, **settings)
        made.engine = ENGINES[request.param]()
        open_engines.append(made.engine)
        return made

    make.new_engine = lambda: open_engines.append(ENGINES[request.param]()) or open_engines[-1]
    yield make
    for engine in open_engines:
        engine.close()


def test_strict_order_gives_the_same_study_in_every_interleaving(workplace):
    results = []
    for seed in range(3):
        place = workplace(str(seed), slots=3)
        place.supervisor(ScriptedExecutor(train, seed=seed), 10).run()
        results.append(place.results())
    assert results[1:] == results[:1] * 2
    assert len(results[0]) == 10


def test_interrupted_and_resumed_study_equals_the_uninterrupted_one(workplace):
    class Crash(Exception):
        pass

    class CrashingExecutor(ScriptedExecutor):
        polls = 0

        def poll(self, timeout_seconds):
            self.polls += 1
            if self.polls == 30:
                raise Crash
            super().poll(timeout_seconds)

    whole = workplace("whole", slots=2)
    whole.supervisor(ScriptedExecutor(train), 10).run()
    broken = workplace("broken", slots=2)
    with pytest.raises(Crash):
        broken.supervisor(CrashingExecutor(train, seed=5), 10).run()
    broken.reopen()
    broken.engine = workplace.new_engine()
    assert "RUNNING" in [trial.state.name for trial in broken.ledger.trials()]
    broken.supervisor(ScriptedExecutor(train, seed=9), 10).run()
    assert broken.results() == whole.results()


@pytest.mark.parametrize("order", ["strict", "free"])
@pytest.mark.parametrize("name", ["grid", "grid-oracle"])
def test_grid_ends_the_study_when_everything_was_tried_once(tmp_path, name, order):
    class Recorder(StudyListener):
        said = None

        def exhausted(self, *, num_trials):
            self.said = num_trials

    place = Workplace(tmp_path, slots=3, order=order)
    place.engine, listener = ENGINES[name](), Recorder()
    supervisor = place.supervisor(ScriptedExecutor(train), 100, listener=listener)
    assert not supervisor.run()
    trials = place.ledger.trials()
    assert len(trials) == 10
    assert len({str(trial.params) for trial in trials}) == 10
    assert supervisor.is_exhausted
    assert listener.said == 10
    place.engine.close()


def test_later_rounds_of_hyperband_start_from_the_weights_of_the_earlier_ones(tmp_path):
    tasks = {}

    def remember(task, session):
        tasks[task.number] = (task, task.initial_weights_path.exists())
        yield from train(task, session)

    place = Workplace(tmp_path, slots=2, epochs=9)
    place.engine = _keras_tuner("hyperband")
    place.supervisor(ScriptedExecutor(remember), 16).run()
    place.engine.close()
    later = [task for task, _ in tasks.values() if task.initial_epoch]
    assert later
    for task, has_weights in tasks.values():
        assert has_weights == bool(task.initial_epoch)
        assert task.keep_weights == (task.epochs < 9)
    trials = place.ledger.trials()
    for task in later:
        opening = trial_attributes(trials[task.number])["opening"]
        earlier = int(opening["values"]["tuner/trial_id"])
        assert trials[task.number].params == trials[earlier].params
        assert tasks[earlier][0].epochs == task.initial_epoch


@pytest.mark.parametrize("oracle", ["random", "bayesian", "hyperband", "grid"])
def test_study_of_each_oracle_runs_and_resumes(folder, small_file, write_space, oracle):
    settings = SMALL | {"engine": "keras-tuner", "oracle": oracle, "epochs": 3}
    run = {"space": write_space(), "data": small_file, "study": "s"} | settings
    arnn_search.search(**run, num_trials=2)
    study = arnn_search.search(**run, num_trials=4)
    assert [trial.state for trial in study.trials] == ["completed"] * 4
    assert study.best_trial.value > 0.5
    continued = 1 if oracle == "hyperband" else 0
    assert len({str(trial.parameters) for trial in study.trials}) == 4 - continued


def test_weights_that_are_gone_fail_the_trial_that_needs_them(small_data, write_space, tmp_path):
    from arnn_search.trials.run import run_trial
    from arnn_search.trials.task import TrialTask

    class Defaults:
        def suggest(self, parameter):
            return parameter.default

        def built(self, built):
            return Verdict()

        def probed(self, metrics):
            return None

        def competed(self, report):
            return False

        def raced(self, report):
            return None

        def report(self, report):
            return None

        def checkpoint(self, path, epoch):
            pass

    task = TrialTask(
        number=0,
        seed=1,
        space=write_space(),
        data=small_data.directory,
        directory=tmp_path / "trial",
        epochs=2,
        batch_size=16,
        metric="val_accuracy",
        direction="maximize",
        keep_weights=True,
    )
    task.directory.mkdir()
    assert run_trial(task, Defaults()).state == "completed"
    later = dataclasses.replace(task, number=1, initial_epoch=2, epochs=4, directory=tmp_path / "later")
    later.directory.mkdir()
    assert "weights of that one are gone" in run_trial(later, Defaults()).message
    later.initial_weights_path.write_bytes(task.weights_path.read_bytes())
    assert run_trial(later, Defaults()).message == ""
