"""One rendering of a study's pages, in a process of its own.

It needs a few hundred megabytes and some seconds, and it runs the user's dashboards: nothing of that may
happen in the process that supervises a study.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

from arnn_search.tracking.pages import StudyLocation

TIMEOUT_SECONDS = 300.0
_PROGRAM = "arnn_search.tracking.dashboards.publish"
_IMPORT_PATH = str(Path(__file__).resolve().parents[3])


class Publication:
    """Renders and publishes once.

    Args:
        uri: MLflow's store.
        location: the study.
        directory: the folder whose `dashboards/` counts as local.
        cache: folder that keeps what was read of trials that have ended; None for none.
    """

    def __init__(self, uri: str, location: StudyLocation, *, directory: Path, cache: Path | None) -> None:
        self._command = [sys.executable, "-m", _PROGRAM, "--uri", uri]
        self._command += ["--experiment", location.experiment_id, "--run", location.run_id]
        self._command += [f"--study={location.study}", "--directory", str(directory)]
        self._command += ["--cache", str(cache)] if cache else []
        self._lock = threading.Lock()
        self._is_cancelled = False
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, timeout_seconds: float = TIMEOUT_SECONDS) -> list[str]:
        """Render and wait for it.

        Returns:
            What the user should know: dashboards that are broken, or why there are no pages.
        """
        paths = [_IMPORT_PATH, *filter(None, [os.environ.get("PYTHONPATH")])]
        with self._lock:
            if self._is_cancelled:
                return []
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
                # Ctrl-C asks the study to stop, not this.
                start_new_session=True,
            )
        try:
            output, errors = self._process.communicate(timeout=timeout_seconds)
        except subprocess.TimeoutExpired:
            self._end()
            return [f"The dashboards were not rendered: it took more than {timeout_seconds:.0f} seconds."]
        except BaseException:
            self._end()
            raise
        if self._is_cancelled:
            return []
        return _warnings(output, errors, self._process.returncode)

    def cancel(self) -> None:
        """End it, from another thread; `run` returns soon."""
        with self._lock:
            self._is_cancelled = True
            if self._process is not None:
                self._process.kill()

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()


def _warnings(output: bytes, errors: bytes, code: int) -> list[str]:
    with contextlib.suppress(ValueError, KeyError, IndexError):
        answer = json.loads(output.splitlines()[-1])
        failed = [f"The dashboards were not rendered: {answer['error']}"] if "error" in answer else []
        return failed + [str(warning) for warning in answer["warnings"]]
    last = errors.decode(errors="replace").strip().splitlines()[-1:] or [f"exit code {code}"]
    return [f"The dashboards were not rendered: {last[0][:300]}."]
