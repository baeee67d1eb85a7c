from collections.abc import Callable
from pathlib import Path

import pytest

from arnn_search.errors import TrackingError
from arnn_search.tracking import Tracker
from arnn_search.tracking.pages import find_study, run_url, study_url


def test_pages_open_in_the_mode_for_training() -> None:
    assert run_url("http://localhost:5000/", "1", "abc") == (
        "http://localhost:5000/#/experiments/1/runs/abc?workflowType=machine_learning"
    )
    assert run_url("http://localhost:5000", "1", "abc", artifact="gradients.png") == (
        "http://localhost:5000/#/experiments/1/runs/abc/artifacts/gradients.png?workflowType=machine_learning"
    )


def test_page_of_a_study_shows_its_runs_nested() -> None:
    url = study_url("http://localhost:5000", "1", study="it's a night")
    assert url.startswith("http://localhost:5000/#/experiments/1/runs?workflowType=machine_learning&")
    assert "orderByKey=attributes.start_time" in url
    assert url.endswith("searchFilter=tags.%60arnn.study%60%20%3D%20%22it%27s%20a%20night%22")
    assert "searchFilter" not in study_url("http://localhost:5000", "1")


def test_study_is_found_by_its_name(
    new_tracker: Callable[..., Tracker], tracker: Tracker, uri: str, tmp_path: Path
) -> None:
    assert tracker.flush(30.0)
    other = Tracker(tmp_path / "b", study="it's", study_id="id-2", tracking_uri=uri, experiment="other")
    other.start_study({}, {})
    assert other.close(30.0)
    found = find_study(uri, "night")
    assert found is not None
    assert (found.experiment_id, found.run_id) == (tracker.experiment_id, tracker.run_id(None))
    latest = find_study(uri)
    assert latest is not None
    assert (latest.study, latest.run_id) == ("it's", other.run_id(None))
    assert find_study(uri, "it's") == latest
    assert find_study(uri, "nothing") is None


def test_looking_creates_no_store(tmp_path: Path) -> None:
    assert find_study(f"sqlite:///{tmp_path}/mlflow.db") is None
    assert not list(tmp_path.iterdir())


def test_store_that_cannot_be_reached_is_named() -> None:
    with pytest.raises(TrackingError, match="connection refused"):
        find_study("http://127.0.0.1:9", "night")
