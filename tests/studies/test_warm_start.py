"""Beginning with what another study has found."""

import pytest

import arnn_search
from arnn_search.errors import StudyError, UnknownNameError
from arnn_search.studies.engines import KerasTunerEngine, OptunaEngine
from arnn_search.studies.listener import StudyListener
from arnn_search.studies.warm_start import imported_as_json, imported_from_json
from arnn_search.testing import SimulatedStudy
from arnn_search.testing.simulation import FAMILY, LEVEL, WIDTH

SMALL = {"executor": "inline", "epochs": 1, "batch_size": 16, "mlflow": False}
COMMON = {"pruner": "none", "direction": "maximize", "epochs": 9, "study_name": "s"}


class Recorder(StudyListener):
    said = None

    def imported(self, study, *, num_trials, misfits):
        self.said = (study, num_trials, list(misfits))


@pytest.fixture
def run(folder, small_file, write_space):
    def start(original="", replaced="", **settings):
        space = write_space(original, replaced)
        recorder = Recorder()
        study = arnn_search.search(space, small_file, listener=recorder, **(SMALL | settings))
        return study, recorder.said

    return start


def test_trials_of_another_study_are_known_from_the_start_and_stay_so(run):
    run(study="first", num_trials=4)
    study, said = run(study="second", num_trials=1, from_study="first")
    assert said == ("first", 4, [])
    assert len(study.trials) == 1
    assert len(study.attributes["imported"]) == 4
    resumed, said = run(study="second", num_trials=2, from_study="first")
    assert said is None
    assert len(resumed.trials) == 2
    assert len(resumed.attributes["imported"]) == 4


def test_space_that_has_grown_takes_everything(run):
    run(study="first", num_trials=3)
    _, said = run('["tanh", "relu"]', '["tanh", "relu", "elu"]', study="b", num_trials=1, from_study="first")
    assert said == ("first", 3, [])


def test_what_does_not_fit_is_said(run):
    first, _ = run(study="first", num_trials=6)
    num_relu = sum(trial.parameters["activation"] == "relu" for trial in first.trials)
    assert 0 < num_relu < 6
    _, said = run('["tanh", "relu"]', '["tanh", "elu"]', study="b", num_trials=1, from_study="first")
    assert said[1] == 6 - num_relu
    assert said[2] == [f"{num_relu} of its trials: activation='relu' is not in the space any more"]


def test_other_objectives_and_unknown_studies_are_refused_before_anything_is_written(run, folder):
    run(study="first", num_trials=1)
    with pytest.raises(StudyError, match=r"optimises maximize val_accuracy, this one minimize val_loss"):
        run(study="other", num_trials=1, from_study="first", objective="val_loss")
    with pytest.raises(UnknownNameError, match="Did you mean first"):
        run(study="other", num_trials=1, from_study="frist")
    assert not (folder / "arnn-studies" / "other").exists()


def _best_share(history):
    return sum(past.parameters["level"] == 0.5 for past in history) / len(history)


def test_tpe_starts_where_the_other_study_ended():
    before = SimulatedStudy(OptunaEngine(sampler="random", seed=3, **COMMON)).run(60)
    known = imported_from_json(imported_as_json(before))
    warm = SimulatedStudy(OptunaEngine(sampler="tpe", seed=4, imported=known, **COMMON)).run(10)
    cold = SimulatedStudy(OptunaEngine(sampler="tpe", seed=4, **COMMON)).run(10)
    assert _best_share(warm) > _best_share(cold)


@pytest.mark.parametrize("oracle", ["random", "bayesian", "hyperband", "grid"])
def test_oracles_take_them_too(oracle):
    from arnn_search.execution.companion import InlineCompanion

    before = SimulatedStudy(OptunaEngine(sampler="random", seed=3, **COMMON)).run(14)
    known = imported_from_json(imported_as_json(before))
    settings = COMMON | {"oracle": oracle, "space": (LEVEL, FAMILY, WIDTH), "start": InlineCompanion}
    engine = KerasTunerEngine(seed=1, imported=known, **settings)
    history = SimulatedStudy(engine).run(3)
    assert len(history) == 3
    engine.close()
    if oracle == "bayesian":
        cold = KerasTunerEngine(seed=1, **settings)
        assert SimulatedStudy(cold).run(1)[0].parameters != history[0].parameters
        cold.close()
