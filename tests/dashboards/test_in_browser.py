"""Every dashboard in a real browser: in MLflow's artifact view, in the report, and on the live page."""

import pytest

from arnn_search.tracking import Tracker, ensure_store, resolve_uri, serve, stop_server
from arnn_search.tracking.dashboards import find_dashboards
from arnn_search.tracking.dashboards.live import LivePage
from arnn_search.tracking.dashboards.publish import publish
from arnn_search.tracking.dashboards.report import write_report
from arnn_search.tracking.pages import StudyLocation, run_url
from arnn_search.tracking.saved_view import view_url
from tests.dashboards import synthetic
from tests.dashboards.browser import browser

NAMES = [dashboard.name for dashboard in find_dashboards()]
DRAWN = "Number(document.documentElement.dataset.drawn || 0)"
# Words are put where they are said to be, and every figure has something in it.
PROBLEMS = """(() => {
  const found = [];
  for (const place of document.querySelectorAll('.figure')) {
    const words = place.textContent;
    if (/cannot be drawn|need a browser/.test(words)) found.push(place.id + ': ' + words);
    if (!place.querySelector('svg.main-svg, table, canvas')) found.push(place.id + ': empty');
    const whole = place.getBoundingClientRect();
    for (const text of place.querySelectorAll('svg.main-svg text')) {
      const box = text.getBoundingClientRect();
      const isCut = box.left < whole.left - 2 || box.right > whole.right + 2
        || box.top < whole.top - 2 || box.bottom > whole.bottom + 2;
      if (box.width && isCut) found.push(place.id + ': cut: ' + text.textContent);
    }
    // The box of what stands at an angle is larger than it.
    const isUpright = text => !/rotate\\((?!0|-?90)/.test(text.getAttribute('transform'));
    const boxes = [...place.querySelectorAll('svg.main-svg text')].filter(isUpright)
      .map(text => [text.textContent.trim(), text.getBoundingClientRect()])
      .filter(([words, box]) => words && box.width);
    boxes.forEach(([words, a], number) => boxes.slice(number + 1).forEach(([others, b]) => {
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (wide > 2 && high > 3) found.push(`${place.id}: ${words} lies over ${others}`);
    }));
  }
  return found.join('; ') || 'none';
})()"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("browser")


@pytest.fixture(scope="module")
def uri(folder):
    uri = resolve_uri(folder=folder, environment={})
    ensure_store(uri)
    return uri


@pytest.fixture(scope="module")
def tracker(uri, folder):
    tracker = Tracker(
        folder / "study", study="night", study_id="id-1", tracking_uri=uri, experiment="arnn-search"
    )
    yield tracker
    tracker.close(0.0)


@pytest.fixture(scope="module")
def location(uri, tracker, folder):
    synthetic.write(tracker, synthetic.trials(40), folder / "arrays")
    tracker.save_view("val_accuracy")
    assert tracker.flush(300), tracker.last_error
    location = StudyLocation("night", tracker.experiment_id, tracker.run_id(None))
    assert publish(uri, location, directory=folder, cache=folder / "cache") == []
    return location


@pytest.fixture(scope="module")
def base(uri, location):
    server, base = serve(uri, port=5600)
    yield base
    stop_server(server)


@pytest.fixture(scope="module")
def page(folder):
    with browser(folder / "profile") as page:
        yield page


@pytest.mark.parametrize("size", [(1280, 800), (1920, 1080)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", NAMES)
def test_dashboard_draws_in_the_artifact_view(name, size, page, base, location, folder):
    address = run_url(base, location.experiment_id, location.run_id, artifact=f"dashboards/{name}.html")
    page.open(address, width=size[0], height=size[1])
    assert page.wait_for(DRAWN) >= 1
    assert page.wait_for(PROBLEMS) == "none"
    assert _own(page.errors) == []
    picture = folder / f"{name}-{size[0]}.png"
    page.screenshot(picture)
    assert picture.stat().st_size > 20_000


def test_saved_view_shows_the_columns_that_matter(page, base, location, folder):
    page.open(view_url(base, location.experiment_id, location.run_id), width=1920, height=1080)
    for heading in ("family", "best_val_accuracy", "arnn.state"):
        page.wait_for(f"document.body.innerText.includes({heading!r})")
    page.screenshot(folder / "view.png")
    page.open(view_url(base, location.experiment_id, location.run_id, charts=True), width=1920, height=1080)
    for title in ("All trials", "health/score", "Parallel Coordinates"):
        page.wait_for(f"document.body.innerText.includes({title!r})")
    page.wait_for("document.querySelectorAll('.js-plotly-plot').length >= 3")
    page.screenshot(folder / "charts.png")


def test_view_and_links_of_the_note_lead_to_the_trials_of_this_study_alone(
    page, base, location, tracker, uri
):
    other = Tracker(
        tracker._paths.directory.with_name("other"),
        study="night",
        study_id="id-2",
        tracking_uri=uri,
        experiment="arnn-search",
    )
    other.start_study({}, {"arnn.metric": "val_accuracy"})
    other.start_trial(0, tags={"arnn.state": "completed"})
    assert other.flush(300), other.last_error
    other.close(0.0)
    page.open(run_url(base, location.experiment_id, location.run_id))
    # Within the few lines that MLflow shows of a note at first.
    for words in ("Best.", "Dashboards: Overview", "Trials: table"):
        page.wait_for(f"document.body.innerText.includes({words!r})")
    address = page.wait_for("[...document.links].find(link => link.textContent === 'table')?.href")
    assert address == view_url(base, location.experiment_id, location.run_id)
    page.open(address)
    page.wait_for("document.body.innerText.includes('40 matching runs')")


def test_report_opens_from_a_file(page, uri, location, folder):
    from arnn_search.tracking.study_reader import read_located

    path = folder / "report.html"
    assert write_report(read_located(uri, location, cache=folder / "cache"), path) == []
    assert path.stat().st_size < 6_000_000
    page.open(path.as_uri())
    assert page.wait_for(DRAWN) >= len(NAMES)
    assert page.wait_for(PROBLEMS) == "none"
    assert page.errors == []
    page.screenshot(folder / "report.png")


def test_live_page_follows_a_running_study(page, uri, tracker, location, folder):
    live = LivePage(uri, location, directory=folder, cache=folder / "cache", port=5700, interval_seconds=0.2)
    with live.serving():
        page.open(live.address)
        page.wait_for(f"{DRAWN} && document.body.innerText.includes('40 trials')")
        tracker.start_trial(40, tags={"arnn.device": "gpu:0", "arnn.family": "ar"})
        tracker.log_metrics(40, {"val_accuracy": 0.5}, step=1)
        assert tracker.flush(120)
        page.wait_for(f"{DRAWN} && document.body.innerText.includes('41 trials')")
        assert page.wait_for(PROBLEMS) == "none"
        assert page.errors == []


def _own(errors):
    """Without what MLflow's own pages complain of."""
    return [error for error in errors if "ajax-api" not in error and "/static-files/" not in error]
