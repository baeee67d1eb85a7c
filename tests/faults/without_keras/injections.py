"""A disk that is full and a clock that is set back, in the processes of a study under test only.

Switched on and off by files in the folder of the test's orders: `full` holds the pattern of the paths that
take nothing more, `clock` the seconds by which the clock is wrong; while there is `offline`, MLflow is away.
"""

import errno
import io
import os
import sys
import time
from fnmatch import fnmatch
from pathlib import Path

_open, _write, _time, _time_ns = io.open, os.write, time.time, time.time_ns


def install(orders: Path) -> None:
    os.nice = lambda increment: 0  # tests wait for what stands back elsewhere
    _fill_disk(orders / "full")
    _shift_clock(orders / "clock")


def refuse_while_offline(order: Path) -> None:
    """In the process that sends to MLflow: says at once that it cannot, without loading MLflow for it."""
    while order.exists():
        if not sys.stdin.readline():
            os._exit(0)
        print('["gone", "offline"]', flush=True)


def _fill_disk(order: Path) -> None:
    halved = set()

    def is_full(path) -> bool:
        try:
            return fnmatch(str(path), order.read_text())
        except FileNotFoundError:
            halved.clear()
            return False

    def taken(path, content):
        """What a disk takes that fills up: the beginning, then nothing."""
        if not is_full(path):
            return content
        if path in halved or len(content) < 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        halved.add(path)
        return content[: len(content) // 2]

    class File(io.FileIO):
        def write(self, content):
            return super().write(taken(self.name, memoryview(content).cast("B")))

    def open(file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, **others):
        is_path = isinstance(file, (str, os.PathLike))
        if not is_path or not set(mode) & set("wax+") or not is_full(os.path.abspath(file)) or others:
            return _open(file, mode, buffering, encoding, errors, newline, **others)
        raw = File(os.path.abspath(file), mode.replace("b", "").replace("t", ""))
        if buffering == 0:
            return raw
        buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding, errors, newline)

    def write(descriptor, content):
        if not order.exists():
            return _write(descriptor, content)
        return _write(descriptor, taken(os.readlink(f"/proc/self/fd/{descriptor}"), content))

    io.open = __builtins__["open"] = open
    os.write = write


def _shift_clock(order: Path) -> None:
    def shift() -> int:
        try:
            return int(order.read_text())
        except FileNotFoundError:
            return 0

    time.time = lambda: _time() + shift()
    time.time_ns = lambda: _time_ns() + shift() * 1_000_000_000
