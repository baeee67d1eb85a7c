"""A thread that ends trials which take too much memory, before the kernel ends what it likes."""

import contextlib
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import psutil

from arnn_search.execution.free_memory import MemoryLeft, memory_left
from arnn_search.execution.process_tree import end_tree

_SECONDS_BETWEEN_LOOKS = 0.2
_LOOKS_BETWEEN_CENSUSES = 15
_LOOKS_TO_RECOVER = 5
_LEAST_RESERVE, _MOST_RESERVE, _RESERVE_SHARE = 128 << 20, 1 << 30, 0.03


@dataclass
class _Watched:
    process: psutil.Process
    size: int = 0
    peak: int = 0
    verdict: str = ""
    below: list[psutil.Process] = field(default_factory=list)


class MemoryWatch:
    """Looks at the resident memory of trials, five times a second, from a thread of its own.

    A trial that exceeds its limit is ended with everything below it. If the machine (or container) is about
    to run out of memory, the largest trial is, limit or not: the kernel might take the supervisor instead.

    Args:
        limit_bytes: for each trial, its child processes included; None for no limit but the machine's.
        left: tells how much memory there is left.
        end: ends everything that belongs to a process, given its id, why, and how much it held.
    """

    def __init__(
        self,
        limit_bytes: int | None = None,
        *,
        left: Callable[[], MemoryLeft] = memory_left,
        end: Callable[[int, str, int], None] = lambda pid, verdict, size: end_tree(pid),
    ) -> None:
        self._limit, self._left, self._end = limit_bytes, left, end
        self._watched: dict[int, _Watched] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._looks = self._recovering = 0

    def add(self, pid: int) -> None:
        """Begins to watch a process."""
        with self._lock, contextlib.suppress(psutil.Error):
            self._watched[pid] = _Watched(psutil.Process(pid))
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="memory watch", daemon=True)
            self._thread.start()

    def remove(self, pid: int) -> tuple[str, int | None]:
        """Ends the watch over a process that has ended, or is about to.

        Returns:
            Why it was ended by this watch, in a sentence, or nothing; and the most memory it was seen to
            hold, None if it was never looked at.
        """
        with self._lock:
            watched = self._watched.pop(pid, None)
        return (watched.verdict, watched.peak or None) if watched else ("", None)

    def close(self) -> None:
        """Ends the thread."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def look(self) -> None:
        """Looks once, and ends what has to be ended."""
        with self._lock:
            living = [one for one in self._watched.values() if not one.verdict]
            if self._limit is not None and self._looks % _LOOKS_BETWEEN_CENSUSES == 0:
                _find_children(living)
            self._looks += 1
            for one in living:
                size = _measure(one)
                if self._limit is not None and size > self._limit:
                    allowed = f"trial_memory is {as_gigabytes(self._limit)}"
                    self._condemn(one, f"It held {as_gigabytes(size)}; {allowed}.")
            self._guard_machine([one for one in living if not one.verdict])

    def _guard_machine(self, living: list[_Watched]) -> None:
        if self._recovering:
            self._recovering -= 1
            return
        left = self._left()
        if not living or left.available >= _reserve(left.total):
            return
        _find_children(living)
        largest = max(living, key=_measure)
        self._condemn(
            largest,
            f"It held {as_gigabytes(largest.size)}, the most of all, when the machine had "
            f"{as_gigabytes(left.available)} of {as_gigabytes(left.total)} left.",
        )
        self._recovering = _LOOKS_TO_RECOVER

    def _condemn(self, watched: _Watched, verdict: str) -> None:
        with contextlib.suppress(psutil.Error):
            if watched.process.is_running():  # and its id is not another one's by now
                watched.verdict = verdict
                self._end(watched.process.pid, verdict, watched.peak)
                watched.process.kill()

    def _watch(self) -> None:
        while not self._stopped.wait(_SECONDS_BETWEEN_LOOKS):
            self.look()


def as_gigabytes(num_bytes: int) -> str:
    """A size for people."""
    return f"{num_bytes / (1 << 30):.2f} GB" if num_bytes >= 1 << 29 else f"{num_bytes / (1 << 20):.0f} MB"


def _measure(watched: _Watched) -> int:
    """Resident memory of the process, and of those below it what they do not share with it."""
    size = 0
    with contextlib.suppress(psutil.Error):
        size = int(watched.process.memory_info().rss)
    for child in watched.below:
        with contextlib.suppress(psutil.Error):
            size += int(child.memory_full_info().uss)
    watched.size, watched.peak = size, max(watched.peak, size)
    return size


def _find_children(watched: Iterable[_Watched]) -> None:
    """Looks who is below whom, for all of them at once: that takes a look at every process of the machine."""
    by_pid = {one.process.pid: one for one in watched}
    for one in by_pid.values():
        one.below = []
    if not by_pid:
        return
    parents = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            parents[process.pid] = (process.ppid(), process)
    for pid, (parent, process) in parents.items():
        while parent in parents and parent not in by_pid:
            parent = parents[parent][0]
        if parent in by_pid and pid not in by_pid:
            by_pid[parent].below.append(process)


def _reserve(total: int) -> int:
    """What must be left: 3 %, so much that a trial cannot take it between two looks."""
    return int(min(_MOST_RESERVE, max(_LEAST_RESERVE, _RESERVE_SHARE * total)))
