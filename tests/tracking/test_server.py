import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from arnn_search.errors import TrackingError
from arnn_search.tracking import Tracker, resolve_uri
from arnn_search.tracking.quiet import quiet
from arnn_search.tracking.server import serve, stop_server


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def servers() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Whatever is put in is ended with the test."""
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        stop_server(process)


def test_address_of_a_server_needs_no_server() -> None:
    assert serve("http://example.org:5000/") == (None, "http://example.org:5000")


def test_ports_that_are_all_taken_are_named(uri: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 65535))
        with pytest.raises(TrackingError, match="None of the ports 65535 to 65535 is free"):
            serve(uri, port=65535)


@pytest.mark.mlflow_server
@pytest.mark.timeout(90)
def test_server_that_dies_in_mid_study_loses_no_point_and_repeats_none(
    uri: str, servers: list[subprocess.Popen[bytes]], new_tracker: Callable[..., Tracker], tmp_path: Path
) -> None:
    port = free_port()
    process, url = serve(uri, port=port)
    assert process is not None
    servers.append(process)
    # The same store is served once; another one gets a port of its own only when it is asked for.
    assert serve(uri, port=port) == (None, url)

    tracker = new_tracker(tracking_uri=url)
    tracker.start_study({"space": "poster-cnn"}, {})
    num_steps, num_metrics = 60, 50
    longest_seconds = 0.0
    for step in range(num_steps):
        if step == 20:
            assert tracker.flush(30.0), tracker.last_error
        if step == 22:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if step == 40:
            assert not tracker.flush(1.0)
            assert "connection refused" in str(tracker.last_error)
            again, again_url = serve(uri, port=port)
            assert again is not None
            assert again_url == url
            servers.append(again)
        for trial in range(2):
            began = time.perf_counter()
            if step == 0:
                tracker.start_trial(trial, tags={"arnn.family": "ar"})
            values = {f"gradient_rms/{layer:02d}_conv2d": step + layer / 100 for layer in range(num_metrics)}
            tracker.log_metrics(trial, values, step)
            longest_seconds = max(longest_seconds, time.perf_counter() - began)
    artifact = tmp_path / "overview.html"
    artifact.write_text("<p>")
    tracker.log_artifact(None, artifact)
    for trial in range(2):
        tracker.end_trial(trial, "completed", "")
    assert tracker.flush(30.0), tracker.last_error
    assert tracker.rejected == 0
    assert longest_seconds < 1.0

    with quiet():
        from mlflow import MlflowClient

        client = MlflowClient(uri)
        runs = client.search_runs([str(tracker.experiment_id)], "tags.`arnn.role` = 'trial'")
        assert {run.info.run_id for run in runs} == {tracker.run_id(0), tracker.run_id(1)}
        assert {run.info.status for run in runs} == {"FINISHED"}
        for run in runs:
            assert points_of(client, run.info.run_id, num_metrics) == num_steps * num_metrics
        assert [file.path for file in MlflowClient(url).list_artifacts(tracker.run_id(None))] == [
            "overview.html"
        ]


def points_of(client: Any, run_id: str, num_metrics: int) -> int:
    """Count a run's points, and see that each step has one."""
    num_points = 0
    for layer in range(num_metrics):
        points = client.get_metric_history(run_id, f"gradient_rms/{layer:02d}_conv2d")
        assert {point.step: point.value for point in points} == {
            point.step: point.step + layer / 100 for point in points
        }
        num_points += len(points)
    return num_points


def test_store_that_cannot_be_opened_starts_no_server(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").mkdir()
    with pytest.raises(TrackingError, match="cannot be opened"):
        serve(resolve_uri(folder=tmp_path, environment={}))
