"""Dashboards: found beside the built-in ones, drawn for every kind of study; a broken one costs no other."""

import sys

import numpy as np
import pytest

from arnn_search.errors import DashboardError
from arnn_search.tracking.dashboards import find_dashboard, find_dashboards, load_dashboard
from arnn_search.tracking.dashboards.page import page
from arnn_search.tracking.dashboards.render import render_all, render_one
from arnn_search.tracking.dashboards.report import write_report
from arnn_search.tracking.dashboards.scaffold import write_new_dashboard
from arnn_search.tracking.study_view import Objective
from tests.dashboards import synthetic

BROKEN = '"""Broken."""\n\n\ndef render(study):\n    return study.nothing\n'
TRIALS = synthetic.trials(12)
# Without telemetry no trial has gradients, and a space may know no families.
PLAIN = [
    trial
    | {"params": {"width": trial["params"]["width"], "family": ""}, "arrays": None}
    | {
        "epochs": [
            {"loss": epoch["loss"], "val_accuracy": epoch["val_accuracy"]} for epoch in trial["epochs"]
        ]
    }
    for trial in TRIALS
]
FOREIGN = [trial | {"state": "vetoed", "reason": "probe: saturated"} for trial in TRIALS[:3]] + TRIALS[3:]
KINDS = {
    "none": [],
    "one failed": [trial for trial in TRIALS if trial["state"] == "failed"][:1],
    "plain": PLAIN,
    "unknown state": FOREIGN,
    "one": TRIALS[:1],
    "all failed": [trial for trial in TRIALS if trial["state"] == "failed"],
    "mixed": TRIALS,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", [dashboard.name for dashboard in find_dashboards()])
def test_every_dashboard_draws_every_kind_of_study(name, kind):
    section = render_one(find_dashboard(name), synthetic.view(KINDS[kind]))
    assert section.warning == ""
    assert section.figures
    text = page(section.title, [section])
    assert "http://" not in text.partition("<script")[0]
    assert len(text) < 6_000_000


OBJECTIVES = {
    "regression": (Objective("val_loss", "minimize"),),
    "front": (Objective("val_accuracy", "maximize"), Objective("num_weights", "minimize")),
}


@pytest.mark.parametrize("kind", OBJECTIVES)
@pytest.mark.parametrize("name", [dashboard.name for dashboard in find_dashboards()])
def test_every_dashboard_draws_every_kind_of_objective(name, kind):
    view = synthetic.view(TRIALS, objectives=OBJECTIVES[kind])
    view.trials["metric.num_weights"] = view.trials["num_weights"]
    section = render_one(find_dashboard(name), view)
    assert (section.warning, bool(section.figures)) == ("", True)


def test_any_trial_with_gradients_can_be_chosen_for_the_heat_maps():
    view = synthetic.view(synthetic.trials(40))
    maps, indices, *_ = render_one(find_dashboard("gradient-health"), view).figures
    choice = maps.layout.meta["choice"]
    assert {int(option["key"]) for option in choice["options"]} == set(view.gradients)
    assert [len(preset["chosen"]) for preset in choice["presets"]] == [4, 4, 4]
    content = choice["options"][0]["traces"][0]
    best = view.gradients[int(choice["options"][0]["key"])]["gradient_rms"]
    assert np.shape(content["z"]) == best.T.shape
    assert np.allclose(content["z"], np.log10(best.T), atol=1e-3)
    assert indices.layout.meta["choice"]["chosen"] == choice["chosen"]


def test_page_of_many_trials_leaves_out_what_makes_it_large(monkeypatch):
    rows = synthetic.trials(30)
    dashboard = find_dashboard("gradient-health")
    module = sys.modules[load_dashboard(dashboard).__module__]
    monkeypatch.setattr(module, "_MOST_CELLS", 200)
    maps, *_ = module.render(synthetic.view(rows))
    assert 4 <= len(maps.layout.meta["choice"]["options"]) < 27
    assert "left out" in maps.layout.meta["caption"]


def test_broken_dashboard_is_named_with_its_line_and_costs_no_other(folder):
    local = folder / "dashboards"
    local.mkdir()
    (local / "my_view.py").write_text(BROKEN)
    sections, warnings = render_all(synthetic.view(TRIALS[:2]))
    assert [section.anchor for section in sections if section.warning] == ["my-view"]
    assert len(sections) == len(find_dashboards())
    assert "my_view.py, line 5: AttributeError" in warnings[0]


def test_name_that_is_defined_twice_is_refused_with_both_places(folder):
    (folder / "dashboards").mkdir()
    (folder / "dashboards" / "overview.py").write_text(BROKEN)
    with pytest.raises(DashboardError, match=r"overview"):
        find_dashboards()


def test_new_dashboard_draws_as_it_is(folder):
    path = write_new_dashboard("my-curves", folder)
    assert path == folder / "dashboards" / "my_curves.py"
    section = render_one(find_dashboard("my-curves"), synthetic.view(TRIALS))
    assert (section.warning, len(section.figures)) == ("", 1)
    with pytest.raises(DashboardError, match="already"):
        write_new_dashboard("my-curves", folder)


def test_report_in_markdown_has_the_leaderboard_and_the_failures(tmp_path):
    path = tmp_path / "report.md"
    assert write_report(synthetic.view(synthetic.trials(40)), path) == []
    text = path.read_text()
    assert "| trial |" in text.replace("|  |", "|")
    assert "out of memory" in text
    with pytest.raises(DashboardError, match=r"report\.txt"):
        write_report(synthetic.view([]), tmp_path / "report.txt")
