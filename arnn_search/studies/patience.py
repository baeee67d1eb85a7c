"""Waiting for a place that takes nothing at present: a disk that is full, a database that restarts."""

import contextlib
import errno
import functools
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Concatenate, NoReturn, ParamSpec, Protocol, TypeVar

from optuna.exceptions import StorageInternalError
from tenacity import RetryCallState, Retrying, retry_if_exception, wait_exponential

from arnn_search.errors import StudyError

_SECONDS = 600.0
_SPACE_OF_A_TRIAL = 64 << 20
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})

P = ParamSpec("P")
T = TypeVar("T")


class Patience:
    """Tries again while something passing is in the way, for ten minutes or until it is told not to.

    Meanwhile trials go on as far as they need no answer. Nothing is lost: what could not be written is
    written afterwards, or the study ends there and is resumed.

    Args:
        seconds: how long to try again.

    Attributes:
        waited: seconds that were spent waiting so far.
        is_over: asked while waiting; True ends it.
        tell: is told why there is a wait, each time one begins, and None when it has ended.
    """

    def __init__(self, *, seconds: float = _SECONDS) -> None:
        self.waited = 0.0
        self.is_over: Callable[[], bool] = lambda: False
        self.tell: Callable[[str | None], None] = lambda reason: None
        self._seconds = seconds
        self._is_trying = False

    def call(self, function: Callable[[], T]) -> T:
        """Calls a function, again and again if need be.

        A call within another one is not repeated by itself: the outer one is, as a whole.

        Raises:
            StudyError: it was in vain.
        """
        if self._is_trying:
            return function()
        with self._trying():
            # The first attempt, and nearly always the only one, without the machinery for others.
            try:
                return function()
            except Exception as error:
                reason = passing_reason(error)
                if reason is None:
                    raise
            return self._again(function, reason)

    def _again(self, function: Callable[[], T], reason: str) -> T:
        began = time.monotonic()
        self.tell(reason)
        again = Retrying(
            retry=retry_if_exception(lambda error: passing_reason(error) is not None),
            wait=wait_exponential(multiplier=0.2, max=15),
            sleep=self._sleep,
            stop=lambda state: self.is_over() or time.monotonic() - began > self._seconds,
            retry_error_callback=_give_up,
        )
        try:
            return again(function)
        finally:
            self.waited += time.monotonic() - began
            self.tell(None)

    def _sleep(self, seconds: float) -> None:
        """In short pieces, so that somebody who asks to stop need not wait."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not self.is_over():
            time.sleep(min(0.1, left))

    @contextlib.contextmanager
    def _trying(self) -> Iterator[None]:
        self._is_trying = True
        try:
            yield
        finally:
            self._is_trying = False


class Patient(Protocol):
    """Something that has patience."""

    patience: Patience


S = TypeVar("S", bound=Patient)


def patiently(method: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
    """A method that is called with its object's patience."""

    @functools.wraps(method)
    def call(self: S, /, *arguments: P.args, **keywords: P.kwargs) -> T:
        return self.patience.call(lambda: method(self, *arguments, **keywords))

    return call


def passing_reason(error: BaseException) -> str | None:
    """What is in the way, in words, if it may pass; None if the error is another one."""
    if is_disk_full(error):
        return "the disk is full"
    if isinstance(error, StorageInternalError):
        return "the database does not answer"
    errors = sys.modules.get("sqlalchemy.exc")  # not loaded where the ledger is a file
    if errors is not None and isinstance(error, (errors.OperationalError, errors.InterfaceError)):
        return "the database does not answer"
    return None


def is_disk_full(error: BaseException) -> bool:
    """Whether an error says that there is no space left, or no more of somebody's share."""
    return isinstance(error, OSError) and error.errno in _FULL


def check_space(directory: Path) -> None:
    """Makes sure that a trial can write its files.

    Raises:
        OSError: there is hardly any space.
    """
    usage = shutil.disk_usage(directory)
    if usage.free < min(_SPACE_OF_A_TRIAL, usage.total // 4):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(directory))


def _give_up(state: RetryCallState) -> NoReturn:
    assert state.outcome is not None
    error = state.outcome.exception()
    reason = passing_reason(error) if error is not None else None
    raise StudyError(
        f"The study has stopped, since nothing can be written: {reason}. What was reported before is kept. "
        "When that is mended, `arnn-search resume` goes on."
    ) from error
