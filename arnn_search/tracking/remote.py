"""Delivering from a process of its own: MLflow and Matplotlib never load beside the supervisor.

Requests and answers are lines of JSON on the process' standard input and output. The process ends when its
input does, so that it never outlives the one that it serves.
"""

import contextlib
import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

from arnn_search.tracking.batches import Batch, Record
from arnn_search.tracking.connection import connect
from arnn_search.tracking.delivery import Delivery
from arnn_search.tracking.failures import GoneError, HeldError, reason_of
from arnn_search.tracking.paths import TrackingPaths
from arnn_search.tracking.progress import RunIds
from arnn_search.tracking.quiet import quiet
from arnn_search.tracking.settings import TrackingSettings

_SECONDS_TO_EXIT = 2.0
_NICENESS = 5


class RemoteDelivery:
    """What `Delivery` does, in another process that is started when it is needed and again when it died.

    Args:
        paths: the tracker's files, from which the process takes its settings.
        reject: is told each record that MLflow will never take, and why.
    """

    def __init__(self, paths: TrackingPaths, *, reject: Callable[[Record, str], None]) -> None:
        self._paths, self._reject = paths, reject
        self._process: subprocess.Popen[str] | None = None

    def deliver(self, batch: Batch, settle: Callable[[Sequence[int]], None]) -> None:
        """See `Delivery.deliver`.

        Raises:
            HeldError: if the store cannot take it now, or the process died.
        """
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps([batch.trial, batch.positions, batch.records]) + "\n")
            process.stdin.flush()
        except OSError as error:
            self._raise_ended(error)
        for line in process.stdout:
            kind, content = json.loads(line)
            if kind == "settle":
                settle(content)
            elif kind == "reject":
                self._reject(*content)
            elif kind == "done":
                return
            else:
                raise GoneError(content) if kind == "gone" else HeldError(content)
        self._raise_ended(None)

    def close(self) -> None:
        """Ends the process; what it is sending is sent again another time."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(OSError):
            process.stdin.close()
        try:
            process.wait(_SECONDS_TO_EXIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()

    def _started(self) -> "subprocess.Popen[str]":
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "arnn_search.tracking.remote", str(self._paths.directory)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                # Ctrl-C is the supervisor's to take.
                start_new_session=True,
            )
        return self._process

    def _raise_ended(self, error: OSError | None) -> None:
        process = self._process
        self.close()
        code = None if process is None else process.returncode
        raise HeldError(f"the process that sends to MLflow has ended (exit code {code})") from error


def main(directory: Path) -> None:
    """Serves the deliveries of one study until the input ends."""
    with contextlib.suppress(OSError):
        os.nice(_NICENESS)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever is printed is no answer
    with quiet(), contextlib.suppress(BrokenPipeError):
        _serve(TrackingPaths(directory), sys.stdin, lambda *answer: _say(answers, *answer))


def _serve(paths: TrackingPaths, requests: IO[str], say: Callable[[str, Any], None]) -> None:
    delivery: Delivery | None = None
    for line in requests:
        trial, positions, records = json.loads(line)
        try:
            if delivery is None:
                delivery = connect(
                    TrackingSettings.load(paths),
                    RunIds.load(paths.run_ids),
                    outbox=paths.outbox,
                    reject=lambda record, reason: say("reject", [record, reason]),
                )
                # MLflow's modules hold a million objects, which the garbage collector would look at every
                # few batches: a fifth of what a batch costs.
                gc.collect()
                gc.freeze()
            delivery.deliver(
                Batch(trial, tuple(positions), tuple(records)), lambda settled: say("settle", list(settled))
            )
        except GoneError as error:
            say("gone", str(error))
        except HeldError as error:
            say("held", str(error))
        except Exception as error:
            say("held", reason_of(error))
        else:
            say("done", None)


def _say(answers: IO[str], kind: str, content: Any) -> None:
    answers.write(json.dumps([kind, content]) + "\n")
    answers.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
