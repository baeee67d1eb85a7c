from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from arnn_search.errors import TrackingError
from arnn_search.tracking import Tracker, ensure_store, resolve_uri, sync


@pytest.fixture
def left_behind(tmp_path: Path, new_tracker: Callable[..., Tracker]) -> Path:
    """The folder of a study whose process ended before everything was sent."""
    tracker = new_tracker()
    tracker.start_study({}, {})
    assert tracker.close(30.0)
    tracker.start_trial(0, tags={})
    for step in range(10):
        tracker.log_metrics(0, {"loss": float(step)}, step)
    return tmp_path / "study"


def test_what_remains_is_sent_once(left_behind: Path, client: Any) -> None:
    report = sync(left_behind)
    assert (report.study, report.remaining, report.rejected, report.error) == ("night", 0, 0, None)
    assert report.delivered == 12
    assert sync(left_behind).delivered == 0
    (trial,) = client.search_runs(["1"], "tags.`arnn.trial` = '0'")
    assert len(client.get_metric_history(trial.info.run_id, "loss")) == 10


def test_torn_last_line_does_not_remain(left_behind: Path) -> None:
    with (left_behind / "spool.jsonl").open("ab") as file:
        file.write(b'{"kind": "metr')
    assert sync(left_behind).remaining == 0


def test_everything_can_be_sent_again(left_behind: Path) -> None:
    first = sync(left_behind)
    again = sync(left_behind, from_start=True)
    assert again.delivered > first.delivered
    assert again.remaining == again.rejected == 0


def test_everything_can_be_sent_to_another_store(left_behind: Path, tmp_path: Path) -> None:
    other = resolve_uri(folder=tmp_path / "other", environment={})
    ensure_store(other)
    report = sync(left_behind, tracking_uri=other)
    assert (report.tracking_uri, report.remaining) == (other, 0)
    assert report.delivered > 12


def test_store_that_is_away_is_reported(left_behind: Path) -> None:
    report = sync(left_behind, tracking_uri="http://127.0.0.1:9", timeout_seconds=10.0)
    assert report.delivered == 0
    assert report.remaining > 12
    assert "connection refused" in str(report.error)


def test_two_processes_never_send_at_once(left_behind: Path) -> None:
    with FileLock(left_behind / "sender.lock"):
        report = sync(left_behind, timeout_seconds=0.5)
    assert (report.delivered, report.remaining) == (0, 12)
    assert "another process is sending" in str(report.error)
    assert sync(left_behind).remaining == 0


def test_folder_without_a_study_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrackingError, match="holds nothing to send"):
        sync(tmp_path)
