"""What runs inside a process of the local executor. Imported by the forkserver before anything is forked."""

import contextlib
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from arnn_search.errors import ArnnSearchError
from arnn_search.execution.executor import load_function
from arnn_search.trials.channel import ChannelClosedError, PipeChannel
from arnn_search.trials.task import TrialTask


def trial_main(connection: Connection, task: TrialTask, threads: int, environment: Mapping[str, str]) -> None:
    """Runs one trial over a pipe; its last message is `("finish", outcome)`."""
    prepare_process(environment, log=task.directory / "log.txt")
    from arnn_search.trials.run import run_trial

    # With nobody left to tell, there is nothing to do but to end.
    with contextlib.suppress(ChannelClosedError, OSError):
        connection.send(("finish", run_trial(task, PipeChannel(connection), threads=threads)))


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
    # Ctrl-C reaches the whole process group; the supervisor decides what it means for a trial.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # What the forkserver has loaded stays. A full collection would take a tenth of a second to go through
    # it, and give this process a copy of every page of it.
    gc.freeze()
    os.environ.update(environment)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.stdout = os.fdopen(1, "w", buffering=1, closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()


def _end_with_parent(parent: int) -> None:
    """The forkserver ends when its supervisor does, even by kill -9: then this process has no business."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(0)
