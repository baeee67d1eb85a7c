"""Who leads: single trials, means of repeats, Pareto fronts; and whether that can be told from chance."""

import pytest

from arnn_search.tracking.leaderboard import num_rivals
from arnn_search.tracking.study_view import Objective, StudyView


def _view(rows, **more):
    trials = [{"number": number, "state": "completed", **row} for number, row in enumerate(rows)]
    return StudyView.from_tables("night", trials, **more)


def test_repeats_of_an_architecture_stand_for_one_with_their_mean_and_interval():
    rows = [{"score": 0.9, "architecture": "a"}, {"score": 0.86, "architecture": "b"}]
    rows += [{"score": 0.8, "architecture": "a"}, {"score": 0.87, "architecture": "b"}]
    leaders = _view(rows, parameters={"duplicates": "repeat"}).leaderboard
    assert leaders.index.tolist() == [3, 0]
    assert leaders["score"].tolist() == pytest.approx([0.865, 0.85])
    assert leaders["repeats"].tolist() == [2, 2]
    assert leaders["low"].iloc[0] == pytest.approx(0.865 - 12.7062 * 0.005, abs=1e-4)
    assert leaders["high"].iloc[1] == 1.0


def test_trials_of_one_architecture_stay_apart_where_the_study_does_not_repeat():
    rows = [{"score": 0.9, "architecture": "a"}, {"score": 0.8, "architecture": "a"}]
    assert _view(rows).leaderboard.index.tolist() == [0, 1]


def test_accuracy_of_one_trial_has_the_interval_of_its_validation_samples():
    view = _view([{"score": 0.97}, {"score": 0.96}, {"score": 0.5}], tags={"arnn.num_validation": "270"})
    assert view.leaderboard["low"].tolist()[0] == pytest.approx(0.942, abs=1e-3)
    assert num_rivals(view) == 1


def test_loss_of_one_trial_has_no_interval():
    view = _view(
        [{"score": 0.3}, {"score": 0.4}],
        metric="val_loss",
        direction="minimize",
        tags={"arnn.num_validation": "270"},
    )
    assert view.leaderboard["low"].isna().all()
    assert num_rivals(view) == 0


def test_front_of_several_objectives_leads():
    rows = [
        {"score": s, "metric.val_accuracy": s, "metric.num_parameters": n}
        for s, n in ((0.9, 10), (0.8, 20), (0.7, 5))
    ]
    objectives = (Objective("val_accuracy", "maximize"), Objective("num_parameters", "minimize"))
    assert _view(rows, objectives=objectives).leaderboard.index.tolist() == [0, 2]


def test_nothing_leads_where_nothing_completed():
    view = StudyView.from_tables("night", [{"number": 0, "state": "failed"}])
    assert view.leaderboard.empty
    assert num_rivals(view) == 0
