"""All dashboards as one page that follows a running study, served on this machine.

The page asks every few seconds whether there is something new, and takes it over in place: the reader stays
where they are, with what they have chosen. What is new is read and rendered in a thread of the process that
serves, so nothing of it touches the study.
"""

import contextlib
import threading
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from arnn_search.errors import TrackingError
from arnn_search.tracking.dashboards.report import report_page
from arnn_search.tracking.pages import StudyLocation
from arnn_search.tracking.study_reader import read_located
from arnn_search.tracking.study_view import StudyView

INTERVAL_SECONDS = 5.0
_NUM_PORTS = 20
_WAITING = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<title>arnn-search</title><p>Reading the study ...</p>"""
_FOLLOW = """<script>
(() => {
  let shown = '%(stamp)s';
  const look = async () => {
    try {
      const stamp = await (await fetch('stamp', {cache: 'no-store'})).text();
      if (stamp !== shown) {
        if (!window.replaceContent) return location.reload();
        await replaceContent(await (await fetch('./', {cache: 'no-store'})).text());
        shown = stamp;
      }
    } catch (error) { /* the server has ended: the page stays as it is */ }
    setTimeout(look, 2000);
  };
  setTimeout(look, 2000);
})();
</script>"""


class LivePage:
    """Serves a study's dashboards on loopback, and renders them again when the study has moved on.

    Args:
        uri: MLflow's store.
        location: the study.
        directory: the folder whose `dashboards/` counts as local.
        cache: folder that keeps what was read of trials that have ended.
        port: the first port to try; the next 19 are tried after it.
        interval_seconds: time between two looks at the study.

    Raises:
        TrackingError: no port is free.
    """

    def __init__(
        self,
        uri: str,
        location: StudyLocation,
        *,
        directory: Path,
        cache: Path,
        port: int = 5050,
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        self._uri, self._location = uri, location
        self._directory, self._cache, self._interval = directory, cache, interval_seconds
        self._text, self._stamp = _WAITING + _FOLLOW % {"stamp": ""}, ""
        self._stopped = threading.Event()
        self._server = _listen(port, self)
        self._threads = [
            threading.Thread(target=work, name=f"arnn-search-live-{name}", daemon=True)
            for name, work in (("server", self._server.serve_forever), ("reader", self._follow))
        ]

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/"

    @property
    def text(self) -> str:
        """The page as it is now."""
        return self._text

    @property
    def stamp(self) -> str:
        """What changes when the page does."""
        return self._stamp

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        """Serves until the block ends."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            self._server.shutdown()
            self._server.server_close()

    def refresh(self) -> bool:
        """Reads the study, and renders the page again if there is something new; whether there was.

        Raises:
            TrackingError: MLflow cannot be read.
        """
        view = read_located(self._uri, self._location, cache=self._cache)
        stamp = _fingerprint(view)
        if stamp == self._stamp:
            return False
        text, _ = report_page(view, self._directory)
        self._text, self._stamp = text + _FOLLOW % {"stamp": stamp}, stamp
        return True

    def _follow(self) -> None:
        while not self._stopped.is_set():
            # A store that is busy or away for a while answers the next time.
            with contextlib.suppress(TrackingError):
                self.refresh()
            self._stopped.wait(self._interval)


def _listen(port: int, page: LivePage) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path not in ("/", "/stamp"):
                self.send_error(404)
                return
            content = (page.text if path == "/" else page.stamp).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8" if path == "/" else "text/plain")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing: the terminal belongs to the user."""

    for candidate in range(port, port + _NUM_PORTS):
        with contextlib.suppress(OSError):
            return ThreadingHTTPServer(("127.0.0.1", candidate), Handler)
    raise TrackingError(f"No port is free between {port} and {port + _NUM_PORTS - 1}. Try another --port.")


def _fingerprint(view: StudyView) -> str:
    parts = [view.state, view.trials.to_csv(), view.epochs.to_csv()]
    return sha256("".join(parts).encode()).hexdigest()[:16]
