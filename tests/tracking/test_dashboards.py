"""Dashboards: found, drawn from MLflow alone, and kept with the study's run."""

from pathlib import Path

import pytest

from arnn_search.tracking.dashboards import DashboardError, find_dashboards, render_page
from arnn_search.tracking.study_view import StudyView, as_table, read_study

BROKEN = '"""Broken."""\n\n\ndef render(study):\n    return study.nothing\n'


def study(*rows, direction="maximize"):
    return StudyView("night", "val_accuracy", direction, as_table(list(rows)))


def trial(number, state="completed", value=None, **columns):
    start = 1_800_000_000_000 + 60_000 * number
    times = {"started": start, "ended": None if state == "running" else start + 50_000}
    return {"number": number, "state": state, "reason": state, "value": value} | times | columns


MIXED = (
    trial(0, value=0.5, family="ar", device="cpu:0"),
    trial(1, value=0.9, family="bn", device="cpu:1"),
    trial(2, "failed", reason="out of memory", device="cpu:0"),
    trial(3, "running"),
)


@pytest.mark.parametrize("name", sorted(find_dashboards()))
@pytest.mark.parametrize(
    "rows", [(), MIXED[:1], MIXED, MIXED[2:3]], ids=["no trials", "one trial", "mixed", "all failed"]
)
def test_every_dashboard_draws_every_kind_of_study(name, rows):
    page = render_page(find_dashboards()[name], study(*rows))
    assert "night" in page
    assert "http://" not in page.partition("<script>")[0]
    assert len(page) < 6_000_000


def test_leaders_are_the_best_in_the_studys_direction():
    assert list(study(*MIXED).completed.index) == [1, 0]
    assert list(study(*MIXED, direction="minimize").completed.index) == [0, 1]
    assert list(study(*MIXED).best_so_far) == [0.5, 0.9]
    assert list(study(*MIXED, direction="minimize").best_so_far) == [0.5, 0.5]


def test_own_dashboards_are_found_beside_the_built_in_ones(folder):
    local = folder / "dashboards"
    local.mkdir()
    (local / "my_view.py").write_text(BROKEN)
    assert {"my-view", "overview"} <= set(find_dashboards())
    (local / "overview.py").write_text(BROKEN)
    with pytest.raises(DashboardError, match=r"'overview' is defined twice: .* and .*overview\.py"):
        find_dashboards()


def test_broken_dashboard_is_named_with_its_line(tmp_path):
    path = tmp_path / "broken.py"
    path.write_text(BROKEN)
    with pytest.raises(DashboardError, match=r"broken\.py, line 5: AttributeError: .*nothing"):
        render_page(path, study())


def test_pages_are_kept_with_the_run_and_a_broken_one_costs_no_other(tracker, client, tmp_path):
    (tmp_path / "dashboards").mkdir()
    (tmp_path / "dashboards" / "broken.py").write_text(BROKEN)
    tracker.set_tags(None, {"arnn.metric": "val_accuracy", "arnn.direction": "maximize"})
    for number, value in enumerate((0.25, 0.75)):
        tracker.start_trial(number, tags={"arnn.device": "cpu:0", "arnn.family": "ar"})
        tracker.log_metrics(number, {"best_val_accuracy": value}, step=3)
        tracker.end_trial(number, "completed", "completed")
    tracker.render_dashboards(tmp_path)
    assert tracker.flush(60), tracker.last_error
    run = tracker.run_id(None)
    assert "dashboards/overview.html" in [item.path for item in client.list_artifacts(run, "dashboards")]
    read = read_study(client, tracker.experiment_id, run)
    assert (read.name, read.metric) == ("night", "val_accuracy")
    assert list(read.completed["value"]) == [0.75, 0.25]
    assert set(read.trials["family"]) == {"ar"}
    assert (read.trials["ended"] >= read.trials["started"]).all()
    assert tracker.rejected == 1
    rejected = Path(tmp_path / "study" / "rejected.jsonl").read_text()
    assert "broken.py, line 5: AttributeError" in rejected
