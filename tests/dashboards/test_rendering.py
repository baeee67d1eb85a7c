"""Dashboards: found beside the built-in ones, drawn for every kind of study; a broken one costs no other."""

import pytest

from arnn_search.errors import DashboardError
from arnn_search.tracking.dashboards import find_dashboard, find_dashboards
from arnn_search.tracking.dashboards.page import page
from arnn_search.tracking.dashboards.render import render_all, render_one
from arnn_search.tracking.dashboards.report import write_report
from arnn_search.tracking.dashboards.scaffold import write_new_dashboard
from tests.dashboards import synthetic

BROKEN = '"""Broken."""\n\n\ndef render(study):\n    return study.nothing\n'
TRIALS = synthetic.trials(12)
KINDS = {
    "none": [],
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
