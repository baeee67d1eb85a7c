"""How a trial ended, and how an exception is read as an ending."""

import errno
import os
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from arnn_search.errors import SpaceError
from arnn_search.spaces.space import describe_failure
from arnn_search.trials.memory_errors import is_out_of_memory, requested_bytes

TrialState = Literal["completed", "pruned", "failed", "infeasible"]

DISK_FULL = "disk full"
"""The reason of a trial that could not write its files: it may go well when there is space."""

OUT_OF_MEMORY = "out of memory"
"""The reason of a trial that took more memory than there was, or than it may take."""

DIVERGED = "diverged"
"""The reason of a trial whose loss was no finite number any more."""

STOPPED_FOR_HEALTH = "health: "
"""How the reason of a trial begins that was stopped for its gradients."""


@dataclass(frozen=True)
class TrialOutcome:
    """The end of a trial.

    Attributes:
        state: `"completed"`, `"pruned"`, `"failed"` or `"infeasible"`.
        reason: a few words, the same for the same cause, so that trials can be grouped by it.
        message: one sentence for people; empty if there is nothing to add.
        traceback: of the exception, if there was one.
        retry: whether running the same trial again may end differently.
        peak_bytes: the most memory that the trial's process has held, if that is known.
        requested_bytes: what the allocation that failed was for, if one has and said so.
    """

    state: TrialState
    reason: str
    message: str = ""
    traceback: str = ""
    retry: bool = False
    peak_bytes: int | None = field(default=None, compare=False)
    requested_bytes: int | None = field(default=None, compare=False)


def failure_outcome(error: BaseException, space: Path) -> TrialOutcome:
    """Reads an exception that ended a trial."""
    text = "".join(traceback.format_exception(error))
    message = str(error) if isinstance(error, SpaceError) else describe_failure(error, space)
    if is_out_of_memory(error):
        return memory_outcome(_shortened(message), traceback=text, requested_bytes=requested_bytes(text))
    if os.strerror(errno.ENOSPC) in text:  # h5py gives no number, only the words
        return TrialOutcome("failed", DISK_FULL, _shortened(message), text, retry=True)
    return TrialOutcome("failed", f"exception: {type(error).__name__}", _shortened(message), text)


def memory_outcome(
    message: str,
    *,
    traceback: str = "",
    peak_bytes: int | None = None,
    requested_bytes: int | None = None,
) -> TrialOutcome:
    """The end of a trial for which there was not enough memory: infeasible here, and not wrong in itself."""
    return TrialOutcome(
        "infeasible",
        OUT_OF_MEMORY,
        message,
        traceback,
        peak_bytes=peak_bytes,
        requested_bytes=requested_bytes,
    )


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
