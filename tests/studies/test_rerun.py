import json

import pytest

import arnn_search
from arnn_search.errors import StudyError
from arnn_search.studies.refit import read_refit, refit_models, refit_trial
from arnn_search.studies.rerun import rerun_trial
from tests.conftest import SMALL_SPACE


@pytest.fixture(scope="module")
def study(small_file, tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    space = folder / "small_space.py"
    space.write_text(SMALL_SPACE)
    return arnn_search.search(
        space,
        small_file,
        num_trials=2,
        epochs=2,
        executor="inline",
        mlflow=False,
        keep_models=1,
        directory=folder / "studies",
    )


def test_trial_run_again_gives_the_same_numbers_and_its_model_back(study):
    weaker = study.leaderboard[1]
    assert weaker.model is None
    result = rerun_trial(study, weaker.number, keep_model=True)
    assert result.is_equal
    assert result.largest_difference == 0.0
    assert sorted(result.found) == [1, 2]
    assert study.trial(weaker.number).model is not None


def test_other_numbers_are_noticed(study, monkeypatch):
    number = study.best_trial.number
    recorded = study.epochs_of(number)
    recorded[1]["loss"] += 0.25
    monkeypatch.setattr(type(study), "epochs_of", lambda self, number: recorded)
    result = rerun_trial(study, number)
    assert not result.is_equal
    assert result.largest_difference == pytest.approx(0.25)
    with pytest.raises(StudyError, match="other numbers than recorded"):
        rerun_trial(study, number, keep_model=True)


def test_study_is_as_it_was_after_a_rerun(study):
    before = json.dumps([trial.metrics for trial in study.trials])
    rerun_trial(study, 0)
    assert json.dumps([trial.metrics for trial in study.trials]) == before


def test_trial_that_does_not_exist_cannot_be_run_again(study):
    with pytest.raises(StudyError, match="no trial 7"):
        rerun_trial(study, 7)


def test_refit_scores_on_the_test_part_once(study):
    number = study.best_trial.number
    found, models = refit_trial(study, epochs=1, seeds=2)
    assert found.trial == number
    assert len(set(found.seeds)) == 2
    assert set(found.test) == {"accuracy", "loss"}
    assert found.test["loss"].half_width > 0
    assert all(path.is_file() for path in models)
    assert models == refit_models(study.layout, found)
    assert refit_trial(study, epochs=1, seeds=2)[0] == found
    assert read_refit(study.layout, number) == found
    with pytest.raises(StudyError, match="To choose settings by that part would spoil it"):
        refit_trial(study, epochs=2, seeds=2)
    again, _ = refit_trial(study, epochs=1, seeds=2, force=True)
    assert again == found
    single, _ = refit_trial(study, epochs=2, seeds=1, force=True)
    assert single.test["loss"].half_width is None


def test_refit_wants_positive_numbers(study):
    with pytest.raises(StudyError, match="at least 1"):
        refit_trial(study, seeds=0)


def test_retrained_model_can_be_exported(study, tmp_path):
    if read_refit(study.layout, study.best_trial.number) is None:
        refit_trial(study)
    report = study.export(tmp_path / "final.keras", refit=True)
    assert report.metric == "test_accuracy"
    assert report.verified == pytest.approx(report.recorded, abs=1e-4)
