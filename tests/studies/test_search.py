"""Whole studies, inline and small; what real processes add is tested where they are."""

import numpy as np
import pytest

import arnn_search
from arnn_search.errors import (
    ConfigurationError,
    DataError,
    ExportError,
    SpaceError,
    StudyError,
    UnknownNameError,
)
from arnn_search.studies.listener import StudyListener
from arnn_search.studies.study import Study

SMALL = {"executor": "inline", "epochs": 2, "batch_size": 16, "mlflow": False}


@pytest.fixture
def run(folder, small_file, write_space):
    space = write_space()

    def start(num_trials=2, **settings):
        return arnn_search.search(space, small_file, num_trials=num_trials, **(SMALL | settings))

    return start


class Recorder(StudyListener):
    def __init__(self):
        self.calls = []

    def study_started(self, study, *, num_slots, num_done):
        self.calls.append(("started", num_slots, num_done))

    def trial_ended(self, number, outcome, *, value, again):
        self.calls.append(("ended", number, outcome.state))

    def study_ended(self, study, *, farewell):
        self.calls.append(("over", study.name, farewell))


def test_study_has_its_trials_a_best_one_and_a_test_score(run):
    study = run(3, study="first")
    assert [trial.state for trial in study.trials] == ["completed"] * 3
    assert study.best_trial.value == max(trial.value for trial in study.trials)
    assert study.best_trial.metrics["val_accuracy"] == study.best_trial.value
    assert 0 < study.best_trial.metrics["health/score"] <= 1
    assert study.attributes["test"]["trial"] == study.best_trial.number
    assert study.attributes["test"]["metrics"]["accuracy"] > 0.5
    assert (study.metric, study.direction, study.name) == ("val_accuracy", "maximize", "first")
    assert not study.is_running


def test_table_has_a_row_for_each_trial(run):
    frame = run(2).to_frame()
    assert list(frame.index) == [0, 1]
    assert {"state", "value", "param.units", "metric.val_loss", "metric.health/score"} <= set(frame.columns)


def test_same_seed_gives_the_same_study(run):
    first, second, other = run(2), run(2), run(2, seed=1)
    assert [(trial.parameters, trial.metrics) for trial in first.trials] == [
        (trial.parameters, trial.metrics) for trial in second.trials
    ]
    assert first.trials[0].parameters != other.trials[0].parameters


def test_studies_are_named_after_data_and_space_and_numbered(run):
    assert [run(1).name, run(1).name] == ["small-small-space-1", "small-small-space-2"]


def test_named_study_goes_on_with_more_trials(run):
    run(1, study="grows")
    recorder = Recorder()
    study = run(3, study="grows", listener=recorder)
    assert len(study.trials) == 3
    assert recorder.calls[0] == ("started", 1, 1)
    assert [call[1] for call in recorder.calls[1:-1]] == [1, 2]


def test_resume_without_a_name_takes_the_latest_study(run):
    run(1, study="older")
    run(1, study="newer")
    assert arnn_search.search(resume=True, num_trials=2).name == "newer"


def test_finished_study_is_not_run_again(run):
    run(2, study="done")
    recorder = Recorder()
    run(2, study="done", listener=recorder)
    assert [call[0] for call in recorder.calls] == ["started", "over"]


def test_another_configuration_under_the_same_name_is_refused_with_the_difference(run):
    run(1, study="fixed")
    with pytest.raises(StudyError, match=r"exists with another configuration: epochs: 2 -> 3"):
        run(1, study="fixed", epochs=3)


def test_changed_space_or_data_is_refused(run, write_space, tmp_path):
    run(1, study="fixed")
    write_space('activation="softmax"', 'activation="softmax", use_bias=True')
    with pytest.raises(StudyError, match=r"the search space \(.*\) changed since it began"):
        run(2, study="fixed")


def test_arrays_are_data(folder, write_space):
    x = np.random.default_rng(0).normal(size=(60, 2)).astype("float32")
    y = (x[:, 0] > 0).astype("int64")
    study = arnn_search.search(write_space(), (x, y), num_trials=1, **SMALL)
    assert study.data_spec.num_classes == 2


def test_regression_minimises_the_validation_loss(folder):
    study = arnn_search.search("dense-stack", "diabetes", num_trials=1, **SMALL)
    assert (study.metric, study.direction) == ("val_loss", "minimize")
    assert np.isfinite(study.best_trial.metrics["val_mean_absolute_error"])


def test_only_the_best_models_are_kept(run):
    study = run(4, keep_models=2)
    assert [trial.model is not None for trial in study.leaderboard] == [True, True, False, False]
    with pytest.raises(ExportError, match=r"only those of the 2 best"):
        study.export("best.keras", trial=study.leaderboard[-1].number)


def test_failing_trials_are_recorded_and_the_study_goes_on(folder, small_file, write_space):
    space = write_space("    inputs =", '    if units % 2:\n        raise KeyError("odd")\n    inputs =')
    study = arnn_search.search(space, small_file, num_trials=8, **SMALL)
    states = [trial.state for trial in study.trials]
    assert set(states) == {"completed", "failed"}
    failed = study.trials[states.index("failed")]
    assert failed.reason == "exception: KeyError"
    assert "small_space.py, line 10: KeyError: 'odd'" in failed.message


@pytest.mark.parametrize(
    ("original", "replaced", "message"),
    [
        ("    inputs =", "    raise KeyError(units)\n    inputs =", r"small_space.py, line 9: KeyError: 2"),
        ("    return model", "    return units", r"must return a keras.Model. Received: 2"),
        ("    model.compile", "    return model\n    model.compile", r"not compiled"),
        (
            "Dense(data.output_units",
            "Dense(5",
            r"output shape \(5,\) does not fit the data, which needs \(2,\)",
        ),
        ("keras.Input(data.input_shape)", "keras.Input((3,))", r"input shape \(3,\) does not fit"),
        ("import keras\n", "import kerras\n", r"line 3: ModuleNotFoundError: No module named 'kerras'"),
        ("metrics=data.metrics", "", r"objective 'val_accuracy' is not among .*: loss, val_loss"),
    ],
)
def test_space_that_cannot_work_is_refused_before_anything_starts(
    folder, small_file, write_space, original, replaced, message
):
    space = write_space(original, replaced)
    with pytest.raises((SpaceError, ConfigurationError), match=message):
        arnn_search.search(space, small_file, num_trials=1, **SMALL)
    assert not list(folder.glob("arnn-studies/*/ledger.journal"))


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"data": "digitz"}, UnknownNameError, "Did you mean digits"),
        ({"space": "poster-cn"}, UnknownNameError, "Did you mean poster-cnn"),
        ({"sampler": "tep"}, ConfigurationError, "Did you mean tpe"),
        ({"num_trials": 0}, ConfigurationError, "`trials`"),
        ({"objective": "val_acc"}, ConfigurationError, "'val_acc' is not among"),
        ({"devices": "7"}, ConfigurationError, "GPU 7, which does not exist"),
        ({"epoks": 1}, ConfigurationError, "Unknown key 'epoks'. Did you mean epochs"),
        ({"data": 3}, DataError, "must be the name of a data set, a path, or a pair of arrays"),
    ],
)
def test_wrong_settings_are_refused_before_anything_starts(
    folder, small_file, write_space, settings, error, message
):
    settings = {"space": write_space(), "data": small_file, "num_trials": 1} | SMALL | settings
    with pytest.raises(error, match=message):
        arnn_search.search(**settings)
    assert not list(folder.glob("arnn-studies/*/ledger.journal"))


def test_running_study_is_not_run_twice(run):
    class Nested(StudyListener):
        error = None

        def trial_started(self, number, *, attempt, slot):
            with pytest.raises(StudyError, match="is running already") as caught:
                run(1, study="busy")
            Nested.error = caught.value

    run(1, study="busy", listener=Nested())
    assert Nested.error is not None


def test_unknown_study_and_trial_are_named(run):
    run(1, study="only")
    with pytest.raises(UnknownNameError, match=r"Unknown study 'onyl'. Did you mean only"):
        Study("onyl")
    with pytest.raises(StudyError, match=r"no trial 7; its trials are 0 to 0"):
        Study("only").trial(7)


def test_no_study_at_all_says_what_to_do(folder):
    with pytest.raises(StudyError, match="`arnn-search run` starts one"):
        Study()
