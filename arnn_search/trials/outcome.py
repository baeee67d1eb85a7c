"""How a trial ended, and how an exception is read as an ending."""

import errno
import os
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from arnn_search.errors import SpaceError
from arnn_search.spaces.space import describe_failure

TrialState = Literal["completed", "pruned", "failed", "infeasible"]

DISK_FULL = "disk full"
"""The reason of a trial that could not write its files: it may go well when there is space."""

_MEMORY_ERRORS = frozenset({"ResourceExhaustedError", "OutOfMemoryError", "MemoryError"})


@dataclass(frozen=True)
class TrialOutcome:
    """The end of a trial.

    Attributes:
        state: `"completed"`, `"pruned"`, `"failed"` or `"infeasible"`.
        reason: a few words, the same for the same cause, so that trials can be grouped by it.
        message: one sentence for people; empty if there is nothing to add.
        traceback: of the exception, if there was one.
        retry: whether running the same trial again may end differently.
    """

    state: TrialState
    reason: str
    message: str = ""
    traceback: str = ""
    retry: bool = False


def failure_outcome(error: BaseException, space: Path) -> TrialOutcome:
    """Reads an exception that ended a trial."""
    text = "".join(traceback.format_exception(error))
    message = str(error) if isinstance(error, SpaceError) else describe_failure(error, space)
    if type(error).__name__ in _MEMORY_ERRORS or "RESOURCE_EXHAUSTED" in str(error)[:2000]:
        return TrialOutcome("failed", "out of memory", _shortened(message), text)
    if os.strerror(errno.ENOSPC) in text:  # h5py gives no number, only the words
        return TrialOutcome("failed", DISK_FULL, _shortened(message), text, retry=True)
    return TrialOutcome("failed", f"exception: {type(error).__name__}", _shortened(message), text)


def death_outcome(exit_code: int | None, log: Path) -> TrialOutcome:
    """Reads the end of a process that said nothing before it ended.

    Args:
        exit_code: of the process; negative is the signal that killed it.
        log: the file with what it printed, whose last line may tell more.
    """
    last_line = _last_line(log)
    if exit_code is not None and exit_code < 0:
        hint = " (often the system's out-of-memory killer)" if exit_code == -9 else ""
        message = f"The trial's process was killed by signal {-exit_code}{hint}. {last_line}".strip()
        return TrialOutcome("failed", f"killed by signal {-exit_code}", message, retry=True)
    message = f"The trial's process ended with exit code {exit_code}. {last_line}".strip()
    return TrialOutcome("failed", f"process exited ({exit_code})", message, retry=True)


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text(errors="replace").strip().splitlines()
    except OSError:
        return ""
    return f"Its last line: {lines[-1][:300]}" if lines else ""


def _shortened(message: str, limit: int = 600) -> str:
    return (
        message
        if len(message) <= limit
        else f"{message[:limit]} ... ({len(message) - limit} more characters)"
    )
