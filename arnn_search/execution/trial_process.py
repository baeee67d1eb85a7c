"""What runs inside a process of the local executor. Imported by the forkserver before anything is forked."""

import contextlib
import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Mapping
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import FrameType
from typing import Any, BinaryIO

from arnn_search.errors import ArnnSearchError
from arnn_search.execution.executor import load_function
from arnn_search.execution.process_tree import end_descendants, end_tree, lead_group
from arnn_search.trials.channel import ChannelClosedError, PipeChannel
from arnn_search.trials.task import TrialTask


def trial_main(connection: Connection, task: TrialTask, threads: int, environment: Mapping[str, str]) -> None:
    """Runs one trial over a pipe; its last message is `("finish", outcome)`."""
    prepare_process(environment, log=task.directory / "log.txt")
    _offer_to_kernel()
    from arnn_search.trials.run import run_trial

    # With nobody left to tell, there is nothing to do but to end.
    with contextlib.suppress(ChannelClosedError, OSError):
        outcome = run_trial(task, PipeChannel(connection), threads=threads)
        end_descendants()
        connection.send(("finish", outcome))


def call_main(
    connection: Connection,
    function: str,
    arguments: tuple[Any, ...],
    keywords: Mapping[str, Any],
    environment: Mapping[str, str],
    log: Path,
) -> None:
    """Calls the function `"package.module:name"`; its only message is `(succeeded, value or error)`."""
    prepare_process(environment, log=log)
    try:
        answer = (True, load_function(function)(*arguments, **keywords))
    except ArnnSearchError as error:
        answer = (False, error)
    except Exception as error:
        answer = (False, f"{type(error).__name__}: {error}")
    with contextlib.suppress(OSError):
        connection.send(answer)


def prepare_process(environment: Mapping[str, str], *, log: Path) -> None:
    """Makes a process that was just forked one of its own, that ends when its supervisor does."""
    lead_group()
    # Ctrl-C and the end of a job reach every process; the supervisor decides what they mean for a trial.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave_to_supervisor(os.getpid()))
    # What the forkserver has loaded stays. A full collection would take a tenth of a second to go through
    # it, and give this process a copy of every page of it.
    gc.freeze()
    os.environ.update(environment)
    with _opened_for_output(log) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.stdout = os.fdopen(1, "w", buffering=1, closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
    threading.Thread(target=_end_with_supervisor, daemon=True).start()


def _opened_for_output(log: Path) -> BinaryIO:
    """The file, or nowhere if the disk is full: what is printed is the last thing to fail for."""
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        return log.open("ab", buffering=0)
    except OSError:
        return open(os.devnull, "ab", buffering=0)


def _offer_to_kernel() -> None:
    """Where memory runs out, Linux is to end a trial rather than its supervisor or who forks the next."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500")


def _leave_to_supervisor(own: int) -> Any:
    def ignore(number: int, frame: FrameType | None) -> None:
        if os.getpid() != own:  # a process that the trial has forked is ended by it as any other
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    return ignore


def _end_with_supervisor() -> None:
    """Waits until the supervisor is gone, even by kill -9: then this process has no business."""
    supervisor = multiprocessing.parent_process()
    assert supervisor is not None
    wait([supervisor.sentinel])
    end_tree(os.getpid())
