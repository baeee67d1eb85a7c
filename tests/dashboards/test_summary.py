"""The words of a study's note: what won, by how much, gradients, rotation, limits, failures, what is next."""

import pytest

from arnn_search.tracking.dashboards.advice import advice
from arnn_search.tracking.dashboards.findings import findings
from arnn_search.tracking.dashboards.summary import summarise
from arnn_search.tracking.study_view import Objective, StudyView
from tests.dashboards import synthetic


def _said(view):
    return {one.label: one.text for one in findings(view)}


def test_study_of_a_night_answers_every_question():
    said = _said(synthetic.view(tags={"arnn.num_validation": "270"}))
    assert list(said) == [
        "Best",
        "By how much",
        "Study",
        "Gradients",
        "Rotation",
        "Limits",
        "Not completed",
        "Next",
    ]
    assert "overlap" in said["By how much"]
    assert "pairs" in said["Rotation"]
    assert "Learnable L" in said["Limits"]
    assert "out of memory" in said["Not completed"]
    assert "arnn-search rerun synthetic --refit" in said["Next"]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], ""),
        ([{"number": 0, "state": "failed", "reason": "exception: ValueError"}], "See to the failures first"),
        ([{"number": 0, "state": "pruned", "reason": "pruner", "score": 0.5}], "milder pruner"),
        ([{"number": 0, "state": "completed", "score": 0.5}], "export night --out best.keras"),
    ],
)
def test_advice_fits_what_happened(rows, words):
    said = advice(StudyView.from_tables("night", rows))
    assert words in said
    assert bool(said) == bool(rows)


def test_best_trials_at_the_end_of_a_range_ask_for_a_wider_one():
    rows = [{"number": n, "state": "completed", "score": n / 20, "param.width": 10 * n} for n in range(40)]
    assert "Widen width: 4 of the 5" in advice(StudyView.from_tables("night", rows))


def test_late_winner_asks_for_more_trials():
    rows = [{"number": n, "state": "completed", "score": n / 20} for n in range(20)]
    assert "--trials 40" in advice(StudyView.from_tables("night", rows, parameters={"trials": "20"}))


def test_unknown_states_and_reasons_are_told_as_they_are():
    rows = [{"number": 0, "state": "vetoed", "reason": "the probe: saturated"}]
    assert _said(StudyView.from_tables("night", rows))["Not completed"] == "1 vetoed (the probe: saturated)."


def test_several_objectives_are_told_as_a_front():
    rows = [
        {"number": n, "state": "completed", "score": s, "metric.val_accuracy": s, "metric.num_parameters": p}
        for n, (s, p) in enumerate([(0.9, 2000), (0.8, 100), (0.7, 300)])
    ]
    objectives = (Objective("val_accuracy", "maximize"), Objective("num_parameters", "minimize"))
    summary = summarise(StudyView.from_tables("night", rows, objectives=objectives))
    assert (
        "2 of 3 completed trials are on the Pareto front"
        in dict((one.label, one.text) for one in summary.findings)["Best"]
    )
    assert "num_parameters" in summary.columns
    assert [row[1] for row in summary.rows] == ["0", "1"]


def test_commands_stay_whole_and_names_are_escaped():
    view = synthetic.view()
    markdown, text = summarise(view).as_markdown(), summarise(view).as_html()
    assert "`arnn-search export synthetic --out best.keras`" in markdown
    assert r"val\_accuracy" in markdown
    assert "<code>arnn-search export synthetic --out best.keras</code>" in text
