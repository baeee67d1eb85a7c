"""An object in a process of its own beside the supervisor, whose methods are called over a pipe."""

import atexit
import contextlib
import multiprocessing
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

from arnn_search.errors import ArnnSearchError
from arnn_search.execution.executor import load_function
from arnn_search.execution.local import start_process
from arnn_search.execution.trial_process import prepare_process

_SECONDS_TO_EXIT = 5


class CompanionLostError(ArnnSearchError, ConnectionError):
    """The companion's process has died."""


class Companion(Protocol):
    """An object that is somewhere else, or made to look so. It has a method `close`, called at the end."""

    def call(self, method: str, *arguments: Any) -> Any:
        """Calls a method and waits for what it returns.

        Raises:
            CompanionLostError: its process has died.
            RuntimeError: the method raised; with its words.
        """

    def close(self) -> None:
        """Ends it."""


class InlineCompanion:
    """The object in this very process: for debuggers and tests.

    Args:
        reference: what makes it, as `"package.module:Class"`.
        *arguments: of the class.
    """

    def __init__(self, reference: str, *arguments: Any) -> None:
        self._object: Any = load_function(reference)(*arguments)

    def call(self, method: str, *arguments: Any) -> Any:
        return getattr(self._object, method)(*arguments)

    def close(self) -> None:
        self._object.close()


class ProcessCompanion:
    """The object in a process, forked from the forkserver that trials are forked from.

    Args:
        reference: what makes it, as `"package.module:Class"`.
        *arguments: of the class; sent to the process.
        log: the file for what it prints.
    """

    def __init__(self, reference: str, *arguments: Any, log: Path) -> None:
        self._connection, theirs = multiprocessing.get_context("forkserver").Pipe()
        self._process = start_process(_serve, (theirs, reference, arguments, log), name=reference)
        theirs.close()
        # At the end of this process multiprocessing would wait for one that nobody has ended.
        atexit.register(self.close)

    def call(self, method: str, *arguments: Any) -> Any:
        try:
            self._connection.send((method, arguments))
            succeeded, answer = self._connection.recv()
        except (EOFError, OSError) as error:
            raise CompanionLostError("The process beside the supervisor has died.") from error
        if not succeeded:
            raise RuntimeError(answer)
        return answer

    def close(self) -> None:
        atexit.unregister(self.close)
        self._connection.close()
        self._process.join(_SECONDS_TO_EXIT)
        if self._process.is_alive():
            self._process.kill()
            self._process.join(_SECONDS_TO_EXIT)


def _serve(connection: Connection, reference: str, arguments: tuple[Any, ...], log: Path) -> None:
    """Answers calls until the other end is closed."""
    prepare_process({"CUDA_VISIBLE_DEVICES": "-1"}, log=log)
    made: Any = load_function(reference)(*arguments)
    with contextlib.suppress(EOFError, OSError):
        while True:
            method, given = connection.recv()
            try:
                answer = (True, getattr(made, method)(*given))
            except Exception as error:
                answer = (False, f"{type(error).__name__}: {error}")
            connection.send(answer)
    made.close()
