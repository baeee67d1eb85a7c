"""Keeping a study's pages in MLflow up to date while it runs, without being in its way."""

import contextlib
import threading
import time
from pathlib import Path

from arnn_search.tracking.dashboards.publication import Publication
from arnn_search.tracking.null import NullTracker
from arnn_search.tracking.pages import StudyLocation
from arnn_search.tracking.tracker import Tracker

INTERVAL_SECONDS = 30.0
# A machine that renders slowly spends a tenth of its time on it, not all of it.
_PAUSE_SHARE = 9.0


class DashboardPublisher:
    """Publishes the pages of one study, again and again while there is something new.

    A daemon thread waits; the work is done by processes that it starts one after the other.

    Args:
        tracker: follows the study; what it has not delivered yet is not on the pages.
        uri: MLflow's store.
        study: the study's name.
        directory: the folder whose `dashboards/` counts as local.
        cache: folder that keeps what was read of trials that have ended.
        interval_seconds: shortest time between two renderings.
    """

    def __init__(
        self,
        tracker: Tracker | NullTracker,
        *,
        uri: str,
        study: str,
        directory: Path,
        cache: Path,
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        self._tracker, self._uri, self._study = tracker, uri, study
        self._directory, self._cache, self._interval = directory, cache, interval_seconds
        self._stopped = threading.Event()
        self._current: Publication | None = None
        self._num_published = -1
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to publish in the background."""
        self._thread = threading.Thread(target=self._run, name="arnn-search-dashboards", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End publishing in the background, and the rendering that is under way."""
        self._stopped.set()
        if (current := self._current) is not None:
            current.cancel()
        if self._thread is not None:
            self._thread.join()

    def finish(self) -> list[str]:
        """Publish a last time, once everything was delivered, and wait for it.

        Returns:
            What the user should know: dashboards that are broken, or why there are no pages.
        """
        self.stop()
        publication = self._publication()
        try:
            return publication.run() if publication else []
        except KeyboardInterrupt:
            # The study has its results; only its pages are missing.
            return ["The dashboards were not rendered: interrupted. `arnn-search dashboard` renders them."]

    def publish_if_new(self) -> bool:
        """Publish, unless nothing was delivered since the last time; whether there was anything to do."""
        num_delivered = self._tracker.num_delivered
        publication = self._publication()
        if publication is None or num_delivered == self._num_published:
            return False
        self._num_published = num_delivered
        self._current = publication
        # `stop` may have looked before there was anything to cancel.
        if not self._stopped.is_set():
            publication.run()
        return True

    def _run(self) -> None:
        pause = self._interval
        while not self._stopped.wait(pause):
            began = time.monotonic()
            # Whatever goes wrong here, the last rendering says it; the study goes on.
            with contextlib.suppress(Exception):
                self.publish_if_new()
            pause = max(self._interval, _PAUSE_SHARE * (time.monotonic() - began))

    def _publication(self) -> Publication | None:
        run_id, experiment_id = self._tracker.run_id(None), self._tracker.experiment_id
        if run_id is None or experiment_id is None:
            return None
        location = StudyLocation(self._study, experiment_id, run_id)
        return Publication(self._uri, location, directory=self._directory, cache=self._cache)
