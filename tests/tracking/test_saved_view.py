"""The view of a study's trials in MLflow's list of runs."""

import json

import pytest

from arnn_search.tracking.saved_view import MOST_VIEWS, PREFIX, save_view, view_key, view_tag


class Store:
    """What `save_view` asks of MLflow's client."""

    def __init__(self):
        self.tags = {}

    def get_experiment(self, experiment_id):
        return self

    def set_experiment_tag(self, experiment_id, name, value):
        self.tags[name] = value

    def delete_experiment_tag(self, experiment_id, name):
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
