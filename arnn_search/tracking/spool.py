"""The spool: an append-only file of JSON lines between the training loop and MLflow."""

import contextlib
import errno
import json
import os
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class SpooledLine:
    """One line of the spool.

    Attributes:
        record: what was appended; None for a line that was torn by a crash in mid-write.
        end: byte offset behind the line, where the next one starts.
    """

    record: dict[str, Any] | None
    end: int


class Spool:
    """An append-only JSONL file that outlives the process and never stops the caller.

    A record is handed to the operating system before `append` returns, so it survives `kill -9` of this
    process. While the disk refuses to take more, records wait in memory, in order, and are written as
    soon as it does. Any number of threads may append.

    Args:
        path: the file; it is created, with its folder, by the first record.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._waiting: deque[bytes] = deque()
        self._num_bytes_of_first = 0
        self._descriptor: int | None = None
        self._error: OSError | None = None
        self._num_lines = _count_lines(path)

    @property
    def num_records(self) -> int:
        """Lines in the file, with the torn ones and with those that still wait in memory."""
        with self._lock:
            return self._num_lines + len(self._waiting)

    @property
    def unwritten(self) -> int:
        """Records that wait in memory because the disk did not take them."""
        with self._lock:
            return len(self._waiting)

    @property
    def error(self) -> str | None:
        """Why records wait in memory; None when none does."""
        with self._lock:
            return f"{self.path}: {self._error.strerror}" if self._waiting and self._error else None

    def append(self, record: Mapping[str, Any]) -> None:
        """Add one record; a value that JSON does not know is kept as its text."""
        line = json.dumps(record, separators=(",", ":"), default=str).encode() + b"\n"
        with self._lock:
            self._waiting.append(line)
            self._write_waiting()

    def retry(self) -> None:
        """Write what the disk refused, if it takes it now."""
        with self._lock:
            self._write_waiting()

    def end_torn_line(self) -> None:
        """End a last line that a crash has torn, so that readers can pass over it."""
        with self._lock, contextlib.suppress(OSError):
            if self._descriptor is None and self.path.exists():
                self._descriptor = self._open()

    def read(self, offset: int, *, max_bytes: int = CHUNK_BYTES) -> list[SpooledLine]:
        """Read complete lines from a byte offset on.

        Args:
            offset: where a line starts, as `SpooledLine.end` gave it, or 0.
            max_bytes: about how much to read at once; a longer line is read whole nevertheless.

        Returns:
            The lines in order; empty at the end of the file. A last line without its line feed is being
            written, or was torn, and is left for later.
        """
        try:
            with self.path.open("rb") as file:
                file.seek(offset)
                content = file.read(max_bytes)
                if content and b"\n" not in content:
                    content += file.readline()
        except (FileNotFoundError, NotADirectoryError):
            return []
        lines = []
        for line in content.split(b"\n")[:-1]:
            offset += len(line) + 1
            lines.append(SpooledLine(_parse(line), offset))
        return lines

    def close(self) -> None:
        """Give the file back; a later `append` opens it again."""
        with self._lock:
            self._write_waiting()
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None
                # Opening again ends the torn line, so its record must be written from the start.
                self._num_bytes_of_first = 0

    def _write_waiting(self) -> None:
        try:
            while self._waiting:
                if self._descriptor is None:
                    self._descriptor = self._open()
                line = self._waiting[0]
                # A disk that fills up takes the beginning of a line: the rest must follow it directly.
                num_written = os.write(self._descriptor, line[self._num_bytes_of_first :])
                if not num_written:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                self._num_bytes_of_first += num_written
                if self._num_bytes_of_first == len(line):
                    self._waiting.popleft()
                    self._num_bytes_of_first = 0
                    self._num_lines += 1
            self._error = None
        except OSError as error:
            self._error = error

    def _open(self) -> int:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                os.write(descriptor, b"\n")
        except OSError:
            os.close(descriptor)
            raise
        return descriptor


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _count_lines(path: Path) -> int:
    num_lines, last = 0, b"\n"
    try:
        with path.open("rb") as file:
            while content := file.read(CHUNK_BYTES):
                num_lines += content.count(b"\n")
                last = content[-1:]
    except (FileNotFoundError, NotADirectoryError):
        return 0
    # A torn last line gets its line feed from the first append.
    return num_lines + (last != b"\n")
