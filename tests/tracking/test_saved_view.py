"""The view of a study's trials in MLflow's list of runs."""

import json
from unittest.mock import Mock

import pytest
from typer.testing import CliRunner

from arnn_search.cli.main import app
from arnn_search.tracking.quiet import quiet
from arnn_search.tracking.saved_view import MOST_VIEWS, PREFIX, save_view, view_key, view_tag


class Store:
    """What `save_view` asks of MLflow's client."""

    def __init__(self):
        self.tags = {}
        self.failures = {}

    def get_experiment(self, experiment_id):
        return Mock(tags=dict(self.tags))

    def set_experiment_tag(self, experiment_id, name, value):
        self.tags[name] = value

    def delete_experiment_tag(self, experiment_id, name):
        if name in self.failures:
            error = RuntimeError("not deleted")
            error.error_code = self.failures[name]
            raise error
        del self.tags[name]


@pytest.fixture
def store():
    return Store()


def save(store, number):
    save_view(store, "1", f"run-{number}", study="night", metric="val_loss", created=1000 + number)


def tag(number):
    return PREFIX + view_key(f"run-{number}")


def test_view_shows_the_trials_of_one_study_best_first():
    name, value = view_tag("run-1", study="night", metric="val_loss", created=1000)
    assert name == tag(1)
    content = json.loads(value)
    state = json.loads(content["state"])
    assert content["name"] == "Trials of night"
    assert state["searchFilter"] == "tags.`mlflow.parentRunId` = 'run-1'"
    assert (state["orderByKey"], state["orderByAsc"]) == ("metrics.`best_val_loss`", True)


def test_view_that_is_there_stays_as_it_is(store):
    save(store, 1)
    store.tags[tag(1)] = "changed"
    save(store, 1)
    assert store.tags[tag(1)] == "changed"


def test_latest_studies_have_a_view_and_others_views_are_left_alone(store):
    store.tags |= {PREFIX + "theirs": json.dumps({"createdAt": 1, "updatedAt": 1}), "mlflow.note": "text"}
    store.tags[PREFIX + "arnn-search-broken"] = "{"
    save(store, 0)
    changed = json.loads(store.tags[tag(0)]) | {"updatedAt": 5000}
    store.tags[tag(0)] = json.dumps(changed)
    for number in range(1, MOST_VIEWS + 3):
        save(store, number)
    kept = [number for number in range(MOST_VIEWS + 3) if tag(number) in store.tags]
    assert kept == [0, *range(3, MOST_VIEWS + 3)]
    assert {PREFIX + "theirs", "mlflow.note", PREFIX + "arnn-search-broken"} <= set(store.tags)


def save_more_than_fit(store):
    """So many that two have to go at once."""
    for number in range(MOST_VIEWS + 1):
        name, value = view_tag(f"run-{number}", study="night", metric="val_loss", created=1000 + number)
        store.tags[name] = value
    save(store, MOST_VIEWS + 1)
    return [number for number in range(MOST_VIEWS + 2) if tag(number) in store.tags]


def test_view_that_another_study_has_removed_meanwhile_holds_nothing_up(store):
    store.failures = {tag(0): "RESOURCE_DOES_NOT_EXIST"}
    assert save_more_than_fit(store) == [0, *range(2, MOST_VIEWS + 2)]


def test_server_that_deletes_no_views_takes_new_ones(store):
    store.failures = {tag(0): "ENDPOINT_NOT_FOUND"}
    assert save_more_than_fit(store) == list(range(MOST_VIEWS + 2))


def test_view_whose_age_is_no_number_is_somebody_elses(store):
    store.tags[PREFIX + "arnn-search-x"] = json.dumps({"createdAt": "May", "updatedAt": "May"})
    assert save_more_than_fit(store) == list(range(2, MOST_VIEWS + 2))
    assert PREFIX + "arnn-search-x" in store.tags


def test_pages_are_opened_where_no_view_can_be_kept(tracker, uri, monkeypatch):
    assert tracker.flush(120.0), tracker.last_error
    with quiet():
        from mlflow import MlflowClient

    def refuse(*arguments):
        raise RuntimeError("read only")

    monkeypatch.setattr(MlflowClient, "get_run", refuse)
    monkeypatch.setattr("arnn_search.tracking.server.serve", lambda uri, port: (None, "http://127.0.0.1:1"))
    monkeypatch.setattr("arnn_search.tracking.dashboards.publication.Publication.run", lambda self: [])
    found = CliRunner().invoke(app, ["dashboard", "night", "--tracking-uri", uri, "--no-open"])
    assert found.exit_code == 0
    assert "did not take a view: read only" in found.output
    assert "dashboards/overview.html" in found.output
