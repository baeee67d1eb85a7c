"""What a study leaves in MLflow, read back with MLflow's own client."""

from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient

import arnn_search


@pytest.fixture(scope="module")
def tracked(tmp_path_factory, small_file):
    from tests.conftest import SMALL_SPACE

    folder = tmp_path_factory.mktemp("tracked")
    space = folder / "tracked_space.py"
    space.write_text(
        SMALL_SPACE.replace("    inputs =", '    if units > 4:\n        raise KeyError("five")\n    inputs =')
    )
    uri = f"sqlite:///{folder}/mlflow.db"
    study = arnn_search.search(
        space,
        small_file,
        num_trials=6,
        seed=3,
        epochs=2,
        executor="inline",
        directory=folder / "studies",
        tracking_uri=uri,
        study="tracked",
    )
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("arnn-search")
    runs = client.search_runs([experiment.experiment_id], max_results=100)
    return study, client, runs


def _parent(runs):
    (parent,) = [run for run in runs if run.data.tags["arnn.role"] == "study"]
    return parent


def _run_of(runs, trial):
    (run,) = [run for run in runs if run.data.tags.get("arnn.trial") == str(trial.number)]
    return run


def test_one_parent_run_and_one_nested_run_for_each_trial(tracked):
    study, _, runs = tracked
    assert len(runs) == 1 + len(study.trials)
    parent = _parent(runs)
    nested = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    assert len(nested) == len(study.trials)
    assert parent.info.status == "FINISHED"


def test_trial_run_holds_every_epoch_of_every_metric(tracked):
    study, client, runs = tracked
    best = study.best_trial
    run = _run_of(runs, best)
    for name in (
        "loss",
        "accuracy",
        "val_loss",
        "val_accuracy",
        "learning_rate",
        "health/score",
        "health/vanishing_index",
        "gradient_rms/00_hidden",
        "gradient_rms/01_output",
    ):
        assert [point.step for point in client.get_metric_history(run.info.run_id, name)] == [1, 2], name
    history = [point.value for point in client.get_metric_history(run.info.run_id, "val_accuracy")]
    assert max(history) == pytest.approx(best.value)
    assert run.data.params["units"] == str(best.parameters["units"])


def test_states_and_reasons_are_tags_and_statuses(tracked):
    study, _, runs = tracked
    states = {trial.state for trial in study.trials}
    assert states == {"completed", "failed"}, "the seed must give both"
    for trial in study.trials:
        run = _run_of(runs, trial)
        assert run.info.status == {"completed": "FINISHED", "failed": "FAILED"}[trial.state]
        assert run.data.tags["arnn.state"] == trial.state
        assert run.data.tags["arnn.reason"] == trial.reason
        assert run.data.tags["arnn.device"] == "cpu:0"
    failed = next(trial for trial in study.trials if trial.state == "failed")
    assert "KeyError: 'five'" in _run_of(runs, failed).data.tags["arnn.message"]
    # What it was about to build is part of why it failed.
    assert int(_run_of(runs, failed).data.params["units"]) > 4


def test_heat_map_and_statistics_are_artifacts_of_each_trial(tracked, tmp_path):
    study, client, runs = tracked
    run_id = _run_of(runs, study.best_trial).info.run_id
    assert {"gradients.npz", "gradients.png"} <= {file.path for file in client.list_artifacts(run_id)}
    with np.load(client.download_artifacts(run_id, "gradients.npz", str(tmp_path))) as statistics:
        assert statistics["gradient_rms"].shape == (2, 2)


def test_parent_run_holds_configuration_space_versions_and_a_note(tracked, tmp_path):
    study, client, runs = tracked
    parent = _parent(runs)
    assert {"study.toml", "space.py"} <= {file.path for file in client.list_artifacts(parent.info.run_id)}
    space = Path(client.download_artifacts(parent.info.run_id, "space.py", str(tmp_path)))
    assert "def build(hp, data)" in space.read_text()
    assert parent.data.params["epochs"] == "2"
    assert parent.data.tags["arnn.version.keras"]
    assert int(parent.data.tags["arnn.num_validation"]) > 0
    assert len(parent.data.tags["arnn.space_sha256"]) == 64
    assert parent.data.tags["arnn.best_trial"] == str(study.best_trial.number)
    assert f"**Best.** Trial {study.best_trial.number}" in parent.data.tags["mlflow.note.content"]
    assert parent.data.metrics["best_val_accuracy"] == pytest.approx(study.best_trial.value)
    assert parent.data.metrics["test_accuracy"] > 0.5
