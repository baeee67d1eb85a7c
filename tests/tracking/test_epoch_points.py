"""The file with a trial's epochs: the same in fewer calls; what MLflow says otherwise is read from it."""

from pathlib import Path

import pytest

from arnn_search.tracking import study_reader
from arnn_search.tracking.epoch_points import EpochPoints, read_points
from arnn_search.tracking.quiet import quiet
from arnn_search.tracking.study_reader import read_study

SECONDS = 120.0


@pytest.fixture
def points():
    points = EpochPoints()
    points.begin(3)
    points.add(3, [("loss", 2, 0.5), ("loss", 1, 1.0), ("gradient_rms/00_a", 1, 0.1), ("limit/00_a", 1, 2.0)])
    points.add(3, [("loss", 1, 1.0), ("health/score", 1, 0.9)])
    return points


def test_file_holds_each_point_once_and_in_order_without_those_of_layers(points, tmp_path: Path) -> None:
    path = tmp_path / "out" / "epochs.json"
    assert points.write(3, path, ended=7)
    latest = {"loss": 0.5, "health/score": 0.9}
    assert read_points(path, ended=7, latest=latest) == {
        "loss": [(1, 1.0), (2, 0.5)],
        "health/score": [(1, 0.9)],
    }


def test_what_mlflow_says_otherwise_is_not_taken_from_the_file(points, tmp_path: Path) -> None:
    path = tmp_path / "epochs.json"
    points.write(3, path, ended=7)
    assert read_points(path, ended=8, latest={"loss": 0.5}) == {}
    assert read_points(path, ended=7, latest={"loss": 0.4, "health/score": 0.9}) == {
        "health/score": [(1, 0.9)]
    }


@pytest.mark.parametrize(
    "points", ["", ', "points": {"loss": []}', ', "points": [1]', ', "points": {"loss": [1]}']
)
def test_file_of_another_form_is_not_taken(points, tmp_path: Path) -> None:
    path = tmp_path / "epochs.json"
    path.write_text('{"ended": 7' + points)
    assert read_points(path, ended=7, latest={"loss": 0.5}) == {}
    path.write_text('{"ended": 7' + points + "}")
    assert read_points(path, ended=7, latest={"loss": 0.5}) == {}


def test_trial_that_was_not_followed_from_its_start_has_no_file(points, tmp_path: Path) -> None:
    points.forget(3)
    points.add(3, [("loss", 3, 0.4)])
    points.add(None, [("best_loss", 3, 0.4)])
    assert not points.write(3, tmp_path / "epochs.json", ended=7)
    assert not points.write(None, tmp_path / "epochs.json", ended=7)


def report(tracker, number, losses, *, first=1):
    for epoch, loss in enumerate(losses, start=first):
        tracker.log_metrics(number, {"val_loss": loss, "gradient_rms/00_a": loss / 9}, epoch)


def losses_of(study, number):
    rows = study.epochs[study.epochs["trial"] == number]
    return dict(zip(rows["epoch"], rows["val_loss"], strict=True))


def test_study_is_the_same_with_and_without_the_files(tracker, uri, client, monkeypatch) -> None:
    asked = []
    with quiet():
        from mlflow import MlflowClient

    original = MlflowClient.get_metric_history

    def count(self, run_id, key):
        asked.append(key)
        return original(self, run_id, key)

    monkeypatch.setattr(MlflowClient, "get_metric_history", count)
    for number in (0, 1):
        tracker.start_trial(number, tags={"arnn.family": "ar"})
        report(tracker, number, [0.9, 0.1 + 0.2, 1e-300])
        tracker.end_trial(number, "completed", "all epochs")
    assert tracker.flush(SECONDS), tracker.last_error
    with_files = read_study(uri, "night")
    assert asked == []
    assert losses_of(with_files, 1) == {1: 0.9, 2: 0.1 + 0.2, 3: 1e-300}
    for number in (0, 1):
        (file,) = [each.path for each in client.list_artifacts(tracker.run_id(number))]
        assert file == "epochs.json"
        folder = client.get_run(tracker.run_id(number)).info.artifact_uri.removeprefix("file://")
        (Path(folder) / file).unlink()
    without = read_study(uri, "night")
    assert sorted(asked) == ["val_loss", "val_loss"]
    assert without.epochs.equals(with_files.epochs)
    assert without.trials.equals(with_files.trials)


def test_points_that_came_another_way_are_read_from_mlflow(tracker, uri, client) -> None:
    tracker.start_trial(0, tags={})
    report(tracker, 0, [0.9, 0.8])
    tracker.end_trial(0, "completed", "all epochs")
    assert tracker.flush(SECONDS), tracker.last_error
    client.log_metric(tracker.run_id(0), "val_loss", 0.7, step=3)
    client.log_metric(tracker.run_id(0), "val_accuracy", 0.6, step=2)
    study = read_study(uri, "night")
    assert losses_of(study, 0) == {1: 0.9, 2: 0.8, 3: 0.7}
    assert study.epochs["val_accuracy"].tolist()[1] == 0.6


def test_trial_that_goes_on_later_is_read_whole(tracker, new_tracker, uri) -> None:
    tracker.start_trial(0, tags={})
    report(tracker, 0, [0.9, 0.8])
    assert tracker.close(SECONDS)
    # Another process sends the rest, which has not seen the beginning.
    successor = new_tracker()
    report(successor, 0, [0.7], first=3)
    successor.end_trial(0, "completed", "all epochs")
    assert successor.flush(SECONDS), successor.last_error
    assert losses_of(read_study(uri, "night"), 0) == {1: 0.9, 2: 0.8, 3: 0.7}


def test_file_of_a_former_end_says_nothing_of_a_trial_that_is_run_again(tracker, uri, client) -> None:
    tracker.start_trial(0, tags={})
    report(tracker, 0, [0.9, 0.8])
    tracker.end_trial(0, "completed", "all epochs")
    assert tracker.flush(SECONDS), tracker.last_error
    assert [each.path for each in client.list_artifacts(tracker.run_id(0))] == ["epochs.json"]
    assert losses_of(read_study(uri, "night"), 0) == {1: 0.9, 2: 0.8}
    tracker.start_trial(0, tags={})
    # The latest value is that of the file.
    report(tracker, 0, [0.8], first=3)
    assert tracker.flush(SECONDS), tracker.last_error
    while_it_runs = read_study(uri, "night")
    tracker.end_trial(0, "completed", "all epochs")
    assert tracker.flush(SECONDS), tracker.last_error
    assert losses_of(while_it_runs, 0) == losses_of(read_study(uri, "night"), 0) == {1: 0.9, 2: 0.8, 3: 0.8}


def test_what_was_kept_of_a_former_end_says_nothing_while_a_trial_runs_again(
    tracker, new_tracker, uri, tmp_path
) -> None:
    tracker.start_trial(0, tags={})
    report(tracker, 0, [0.9])
    assert tracker.close(SECONDS)
    successor = new_tracker()
    successor.end_trial(0, "completed", "all epochs")
    assert successor.flush(SECONDS), successor.last_error
    assert losses_of(read_study(uri, "night", cache=tmp_path / "kept"), 0) == {1: 0.9}
    assert list((tmp_path / "kept").glob("*.json"))
    successor.start_trial(0, tags={})
    report(successor, 0, [0.8], first=2)
    assert successor.flush(SECONDS), successor.last_error
    assert losses_of(read_study(uri, "night", cache=tmp_path / "kept"), 0) == {1: 0.9, 2: 0.8}


def test_trial_ends_in_mlflow_where_the_disk_takes_no_file(tracker, uri, client, tmp_path) -> None:
    (tmp_path / "study" / "outbox").write_text("in the way")
    tracker.start_trial(0, tags={})
    report(tracker, 0, [0.9, 0.8])
    tracker.end_trial(0, "completed", "all epochs")
    assert tracker.flush(SECONDS), tracker.last_error
    assert client.get_run(tracker.run_id(0)).info.status == "FINISHED"
    assert client.list_artifacts(tracker.run_id(0)) == []
    assert losses_of(read_study(uri, "night"), 0) == {1: 0.9, 2: 0.8}


def test_trial_without_epochs_is_not_asked_for_the_file(tracker, uri, monkeypatch) -> None:
    asked = []
    original = study_reader._Reader._file
    monkeypatch.setattr(
        study_reader._Reader, "_file", lambda self, run, name: asked.append(name) or original(self, run, name)
    )
    tracker.start_trial(0, tags={})
    tracker.end_trial(0, "failed", "no build")
    assert tracker.flush(SECONDS), tracker.last_error
    assert len(read_study(uri, "night").trials) == 1
    assert "epochs.json" not in asked
    assert "gradients.npz" in asked
