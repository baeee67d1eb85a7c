import inspect
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from arnn_search.errors import TrackingError, UnknownNameError
from arnn_search.tracking import NullTracker, Tracker

SECONDS = 120.0


def history(client: Any, run_id: str | None, name: str) -> list[tuple[int, float]]:
    return [(point.step, point.value) for point in client.get_metric_history(run_id, name)]


def test_study_and_trials_become_nested_runs(tracker: Tracker, client: Any, tmp_path: Path) -> None:
    space = tmp_path / "space.py"
    space.write_text("def build(hp, data): ...")
    tracker.log_artifact(None, space, "space")
    tracker.start_trial(3, tags={"arnn.family": "ar"})
    tracker.log_params(3, {"units[0]": 32})
    for step in range(5):
        tracker.log_metrics(3, {"loss": 1.0 / (step + 1), "gradient_rms/00_dense": 0.1}, step)
    tracker.end_trial(3, "completed", "all epochs")
    tracker.set_note("# Best so far")
    tracker.end_study("completed")
    assert tracker.flush(SECONDS), tracker.last_error
    assert (tracker.pending, tracker.rejected, tracker.last_error) == (0, 0, None)

    study, trial = client.get_run(tracker.run_id(None)), client.get_run(tracker.run_id(3))
    assert study.info.experiment_id == trial.info.experiment_id == tracker.experiment_id
    assert study.data.params == {"space": "poster-cnn"}
    assert study.data.tags["mlflow.note.content"] == "# Best so far"
    assert study.data.tags.items() >= {"arnn.study": "night", "arnn.state": "completed"}.items()
    assert [file.path for file in client.list_artifacts(study.info.run_id, "space")] == ["space/space.py"]
    assert (tmp_path / "mlruns").is_dir()
    assert trial.info.status == study.info.status == "FINISHED"
    assert trial.info.run_name == "trial 3"
    assert trial.data.params == {"units_0_": "32"}
    expected = {"mlflow.parentRunId": study.info.run_id, "arnn.trial": "3", "arnn.family": "ar"}
    assert trial.data.tags.items() >= (expected | {"arnn.reason": "all epochs"}).items()
    assert history(client, trial.info.run_id, "loss") == [(step, 1.0 / (step + 1)) for step in range(5)]


@pytest.mark.parametrize(
    ("state", "status"),
    [("completed", "FINISHED"), ("pruned", "KILLED"), ("failed", "FAILED"), ("infeasible", "KILLED")],
)
def test_state_of_a_trial_decides_its_status(tracker: Tracker, client: Any, state: str, status: str) -> None:
    tracker.start_trial(0, tags={})
    tracker.end_trial(0, state, "why")
    assert tracker.flush(SECONDS)
    run = client.get_run(tracker.run_id(0))
    assert run.info.status == status
    assert run.data.tags["arnn.state"] == state


def test_unknown_state_lists_the_known_ones(tracker: Tracker) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean completed"):
        tracker.end_trial(0, "complete", "")
    with pytest.raises(UnknownNameError, match="Unknown study status"):
        tracker.end_study("over")


def test_times_are_those_of_the_report(tracker: Tracker, client: Any) -> None:
    tracker.start_trial(0, tags={})
    tracker.log_metrics(0, {"loss": 1.0}, 0)
    tracker.end_trial(0, "completed", "")
    assert tracker.flush(SECONDS)
    spooled = [json.loads(line) for line in (tracker._paths.spool).read_text().splitlines()]
    times = {record["kind"]: record["time"] for record in spooled if record["trial"] == 0}
    run = client.get_run(tracker.run_id(0))
    assert (run.info.start_time, run.info.end_time) == (times["start"], times["end"])
    assert client.get_metric_history(run.info.run_id, "loss")[0].timestamp == times["metrics"]


def test_nonfinite_values_are_counted_and_not_sent(tracker: Tracker, client: Any) -> None:
    tracker.start_trial(0, tags={})
    for step, loss in enumerate([1.0, float("nan"), float("inf")]):
        tracker.log_metrics(0, {"loss": loss, "accuracy": 0.5}, step)
    assert tracker.flush(SECONDS)
    assert history(client, tracker.run_id(0), "loss") == [(0, 1.0)]
    assert len(history(client, tracker.run_id(0), "accuracy")) == 3
    tags = client.get_run(tracker.run_id(0)).data.tags
    assert tags["arnn.nonfinite"] == "loss: 2 points, first nan at step 1"


def test_record_that_mlflow_rejects_is_set_aside_alone(tracker: Tracker, client: Any) -> None:
    tracker.start_trial(0, tags={})
    tracker.log_params(0, {"units": 32})
    tracker.log_params(0, {"depth": 2, "units": 64, "width": 3})
    tracker.log_metrics(0, {"loss": 1.0}, 0)
    assert tracker.flush(SECONDS), tracker.last_error
    run = client.get_run(tracker.run_id(0))
    assert run.data.params == {"units": "32", "depth": "2", "width": "3"}
    assert run.data.metrics == {"loss": 1.0}
    assert tracker.rejected == 1
    (rejected,) = (json.loads(line) for line in tracker._paths.rejected.read_text().splitlines())
    assert rejected["record"]["values"] == {"units": "64"}
    assert "Changing param values is not allowed" in rejected["reason"]
    assert "rejected 1 value:" in str(tracker.farewell())


def test_value_that_no_request_can_hold_is_set_aside(tracker: Tracker, client: Any) -> None:
    tracker.start_trial(0, tags={})
    tracker.set_tags(0, {"broken": "\ud800"})
    tracker.log_metrics(0, {"loss": 1.0}, 0)
    assert tracker.flush(SECONDS), tracker.last_error
    assert client.get_run(tracker.run_id(0)).data.metrics == {"loss": 1.0}


def test_missing_file_is_set_aside(tracker: Tracker, tmp_path: Path) -> None:
    tracker.log_artifact(None, tmp_path / "nowhere.html")
    assert tracker.flush(SECONDS)
    assert tracker.rejected == 1
    assert "missing or cannot be read" in tracker._paths.rejected.read_text()


def test_gradients_come_with_their_picture(tracker: Tracker, client: Any, tmp_path: Path) -> None:
    path = tmp_path / "gradients.npz"
    np.savez(path, gradient_rms=np.full((3, 2), 0.1), layers=np.array(["00_a", "01_b"]), other=np.zeros(4))
    tracker.start_trial(0, tags={})
    tracker.log_gradients(0, path)
    (tmp_path / "broken").mkdir()
    broken = tmp_path / "broken" / "gradients.npz"
    np.savez(broken, layers=np.array(["a"]))
    tracker.start_trial(1, tags={})
    tracker.log_gradients(1, broken)
    assert tracker.flush(SECONDS), tracker.last_error
    files = {file.path: file.file_size for file in client.list_artifacts(tracker.run_id(0))}
    assert files.keys() == {"gradients.npz", "gradients.png"}
    assert files["gradients.png"] > 5000
    assert [file.path for file in client.list_artifacts(tracker.run_id(1))] == ["gradients.npz"]
    assert "no picture can be drawn" in tracker._paths.rejected.read_text()
    assert not list(tracker._paths.outbox.rglob("*.png"))


def test_new_tracker_goes_on_where_the_last_one_stopped(
    tracker: Tracker, new_tracker: Callable[..., Tracker], client: Any
) -> None:
    tracker.start_trial(0, tags={})
    tracker.log_metrics(0, {"loss": 1.0}, 0)
    assert tracker.close(SECONDS)
    run_id = tracker.run_id(0)
    tracker.log_metrics(0, {"loss": 0.5}, 1)
    assert tracker.pending == 1

    resumed = new_tracker()
    resumed.start_study({"space": "poster-cnn"}, {})
    resumed.end_trial(0, "completed", "")
    assert resumed.flush(SECONDS), resumed.last_error
    assert resumed.run_id(0) == run_id
    assert history(client, run_id, "loss") == [(0, 1.0), (1, 0.5)]
    assert len(client.search_runs([resumed.experiment_id])) == 2
    assert resumed.rejected == 0


def test_trial_that_is_run_again_opens_its_run_again(tracker: Tracker, client: Any) -> None:
    tracker.start_trial(0, tags={})
    tracker.end_trial(0, "failed", "out of memory")
    assert tracker.flush(SECONDS)
    run_id = tracker.run_id(0)
    tracker.start_trial(0, tags={})
    assert tracker.flush(SECONDS)
    assert tracker.run_id(0) == run_id
    assert client.get_run(run_id).info.status == "RUNNING"
    assert client.get_run(run_id).data.tags["arnn.state"] == "running"


@pytest.mark.parametrize("lost", ["cursor.json", "runs.json", "both"])
def test_crash_before_progress_is_kept_repeats_nothing(
    tracker: Tracker, new_tracker: Callable[..., Tracker], client: Any, lost: str
) -> None:
    for number in range(3):
        tracker.start_trial(number, tags={})
        tracker.log_metrics(number, {"loss": 1.0 + number}, 0)
        tracker.end_trial(number, "completed", "")
    assert tracker.close(SECONDS)
    before = {number: tracker.run_id(number) for number in (None, 0, 1, 2)}
    for name in ("cursor.json", "runs.json") if lost == "both" else (lost,):
        (tracker._paths.directory / name).unlink()

    resumed = new_tracker()
    resumed.log_metrics(2, {"accuracy": 0.5}, 0)
    assert resumed.flush(SECONDS), resumed.last_error
    assert len(client.search_runs([client.get_run(before[None]).info.experiment_id])) == 4
    for number in range(3):
        assert history(client, before[number], "loss") == [(0, 1.0 + number)]
        assert client.get_run(before[number]).info.status == "FINISHED"
    assert history(client, before[2], "accuracy") == [(0, 0.5)]


def test_other_store_gets_everything_from_the_beginning(
    tracker: Tracker, new_tracker: Callable[..., Tracker], client: Any
) -> None:
    tracker.start_trial(0, tags={})
    tracker.log_metrics(0, {"loss": 1.0}, 0)
    assert tracker.close(SECONDS)
    former = tracker.run_id(0)
    moved = new_tracker(experiment="elsewhere")
    assert moved.flush(SECONDS), moved.last_error
    assert moved.run_id(0) not in {None, former}
    assert history(client, moved.run_id(0), "loss") == [(0, 1.0)]


def test_folder_of_another_study_is_refused(tracker: Tracker, new_tracker: Callable[..., Tracker]) -> None:
    with pytest.raises(TrackingError, match="follows the study 'night'"):
        new_tracker(study_id="id-2")


def test_deleted_trial_is_set_aside_and_the_rest_goes_on(tracker: Tracker, client: Any) -> None:
    tracker.start_trial(0, tags={})
    tracker.start_trial(1, tags={})
    assert tracker.flush(SECONDS)
    deleted = tracker.run_id(0)
    client.delete_run(deleted)
    tracker.log_metrics(0, {"loss": 1.0}, 0)
    tracker.log_metrics(1, {"loss": 2.0}, 0)
    assert tracker.flush(SECONDS), tracker.last_error
    assert "trial 0 was deleted in MLflow" in tracker._paths.rejected.read_text()
    assert history(client, tracker.run_id(1), "loss") == [(0, 2.0)]
    tracker.start_trial(0, tags={})
    tracker.log_metrics(0, {"loss": 3.0}, 0)
    assert tracker.flush(SECONDS), tracker.last_error
    assert tracker.run_id(0) != deleted
    assert history(client, tracker.run_id(0), "loss") == [(0, 3.0)]


def test_deleted_experiment_holds_the_queue_until_it_is_restored(tracker: Tracker, client: Any) -> None:
    tracker.start_trial(0, tags={})
    assert tracker.flush(SECONDS)
    client.delete_experiment(tracker.experiment_id)
    tracker.log_metrics(0, {"loss": 1.0}, 0)
    assert not tracker.flush(SECONDS)
    assert "mlflow experiments restore" in str(tracker.last_error)
    assert "1 point in 1 record did not reach MLflow yet" in str(tracker.farewell())
    assert tracker.pending == 1
    client.restore_experiment(tracker.experiment_id)
    assert tracker.flush(SECONDS), tracker.last_error
    assert history(client, tracker.run_id(0), "loss") == [(0, 1.0)]


def test_deleted_study_holds_the_queue(tracker: Tracker, client: Any) -> None:
    assert tracker.flush(SECONDS)
    client.delete_run(tracker.run_id(None))
    tracker.set_note("text")
    assert not tracker.flush(SECONDS)
    assert "mlflow runs restore" in str(tracker.last_error)


def test_full_disk_loses_nothing(tracker: Tracker, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tracker.start_trial(0, tags={})
    assert tracker.flush(SECONDS)

    def refuse(descriptor: int, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("arnn_search.tracking.spool.os.write", refuse)
        tracker.log_metrics(0, {"loss": 1.0}, 0)
        tracker.log_metrics(0, {"loss": 0.5}, 1)
        assert "No space left" in str(tracker.last_error)
        assert tracker.pending == 2
    assert tracker.flush(SECONDS)
    assert history(client, tracker.run_id(0), "loss") == [(0, 1.0), (1, 0.5)]


def test_store_that_cannot_be_opened_is_named_and_close_keeps_its_time(
    new_tracker: Callable[..., Tracker], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    tracker = new_tracker(tracking_uri=f"sqlite:///{tmp_path}/file/mlflow.db")
    tracker.log_metrics(None, {"loss": 1.0, "accuracy": 0.5}, 0)
    assert not tracker.close(0.5)
    assert "2 points in 1 record did not reach MLflow yet" in str(tracker.farewell())
    assert "arnn-search sync" in str(tracker.farewell())


def test_server_that_never_answers_does_not_hold_up_the_end(new_tracker: Callable[..., Tracker]) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        tracker = new_tracker(tracking_uri=f"http://127.0.0.1:{silent.getsockname()[1]}")
        tracker.log_metrics(None, {"loss": 1.0}, 0)
        silent.accept()[0].close()
        began = time.monotonic()
        assert not tracker.close(0.2)
        assert time.monotonic() - began < 10.0
        assert "1 point in 1 record did not reach MLflow yet" in str(tracker.farewell())


def test_killed_process_loses_nothing_and_its_successor_repeats_nothing(
    new_tracker: Callable[..., Tracker], client: Any, tmp_path: Path, uri: str
) -> None:
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from arnn_search.tracking import Tracker\n"
        "tracker = Tracker(Path(sys.argv[1]), study='night', study_id='id-1', tracking_uri=sys.argv[2],"
        " experiment='search')\n"
        "tracker.start_study({}, {})\n"
        "for number in range(40):\n"
        "    tracker.start_trial(number, tags={})\n"
        "    for step in range(50): tracker.log_metrics(number, {'a': step, 'b': -step}, step)\n"
        "    tracker.end_trial(number, 'completed', '')\n"
        "while tracker.run_id(3) is None: tracker.flush(0.01)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path / "study"), uri], check=False)
    assert killed.returncode == -9
    successor = new_tracker()
    assert successor.pending > 0
    assert successor.flush(SECONDS), successor.last_error
    runs = client.search_runs([successor.experiment_id], "tags.`arnn.role` = 'trial'")
    assert sorted(int(run.data.tags["arnn.trial"]) for run in runs) == list(range(40))
    assert {run.info.status for run in runs} == {"FINISHED"}
    for run in runs:
        assert history(client, run.info.run_id, "a") == [(step, step) for step in range(50)]
        assert history(client, run.info.run_id, "b") == [(step, -step) for step in range(50)]


def test_process_that_forgets_to_close_ends_silently(tmp_path: Path, uri: str) -> None:
    code = (
        "import sys, logging, warnings\n"
        "from pathlib import Path\n"
        "from arnn_search.tracking import Tracker\n"
        "assert not {'mlflow', 'matplotlib', 'numpy'} & sys.modules.keys()\n"
        "tracker = Tracker(Path(sys.argv[1]), study='s', study_id='i', tracking_uri=sys.argv[2],"
        " experiment='e')\n"
        "tracker.start_study({}, {})\n"
        "for step in range(100): tracker.log_metrics(None, {'loss': 1.0 / (step + 1)}, step)\n"
        "if sys.argv[3] == 'flush': assert tracker.flush(60)\n"
    )
    for how in ("flush", "forget"):
        command = [sys.executable, "-W", "error", "-c", code, str(tmp_path / how), uri, how]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_null_tracker_has_the_same_face() -> None:
    for name, member in inspect.getmembers(Tracker):
        if name.startswith("_"):
            continue
        other = getattr(NullTracker, name)
        if callable(member):
            assert inspect.signature(other) == inspect.signature(member), name
    null = NullTracker()
    null.log_metrics(0, {"loss": 1.0}, 0)
    assert null.flush(0.0)
    assert null.close(0.0)
    assert (null.pending, null.run_id(0), null.last_error, null.farewell()) == (0, None, None, None)
