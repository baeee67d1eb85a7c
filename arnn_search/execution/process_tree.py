"""Ending a trial with everything that it has started: data loaders, subprocesses, whatever its code forks."""

import contextlib
import ctypes
import os
import signal
import sys

import psutil

_OWNER = "ARNN_SEARCH_TRIAL_PROCESS"
"""In the environment of whatever a trial starts: the trial's process."""
_ADOPT_ORPHANS = 36
"""`PR_SET_CHILD_SUBREAPER` of Linux' `prctl`."""


def lead_group() -> None:
    """Makes this process the head of a group of its own, which its children belong to and are marked as."""
    os.environ[_OWNER] = str(os.getpid())
    with contextlib.suppress(OSError):  # it leads one already
        os.setsid()


def adopt_orphans() -> None:
    """Makes orphans below this process its children, on Linux, so that they can be found and ended."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_ADOPT_ORPHANS, 1, 0, 0, 0)


def end_tree(pid: int) -> None:
    """Kills a living process that leads a group, its group, and what below it has left that group."""
    below = descendants(pid)
    end_group(pid)
    _kill(below)


def end_group(leader: int) -> None:
    """Kills what is left of a group; its leader may have ended."""
    with contextlib.suppress(OSError):
        os.killpg(leader, signal.SIGKILL)


def end_descendants() -> None:
    """Kills everything below this process."""
    _kill(descendants(os.getpid()))


def end_orphans(parent: int, *, known: set[int]) -> None:
    """Kills the children of a process that nobody knows, and everything below them.

    One that somebody known has started, and whose own parent has ended since, is left alone.

    Args:
        parent: a process that has called `adopt_orphans`.
        known: its children that are to live.
    """
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(parent).children():
            if child.pid not in known and _owner(child) not in known:
                _kill([*descendants(child.pid), child])


def _owner(process: psutil.Process) -> int | None:
    """The trial's process that has started another one; None where that cannot be told."""
    try:
        return int(process.environ().get(_OWNER, ""))
    except (ValueError, OSError, psutil.Error):
        return None


def descendants(pid: int) -> list[psutil.Process]:
    """Everything below a process."""
    try:
        return list(psutil.Process(pid).children(recursive=True))
    except psutil.Error:
        return []


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()
