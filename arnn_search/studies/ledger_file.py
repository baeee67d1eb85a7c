"""The ledger's file: one record a line, as Optuna's journal has it, and a digest of it that opens faster."""

import contextlib
import errno
import fcntl
import gc
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from optuna.storages import JournalStorage
from optuna.storages.journal import BaseJournalBackend

from arnn_search.errors import StudyError
from arnn_search.studies.ledger_digest import LedgerDigest
from arnn_search.studies.patience import is_disk_full
from arnn_search.studies.stored_metrics import StoredMetrics

Record = dict[str, Any]

PREFIX = "arnn:"
"""Of the attributes that are this package's own."""
EPOCH = f"{PREFIX}epoch:"
"""Of an epoch's metrics; its number follows."""

_CREATE_STUDY, _SET_TRIAL_STATE = 0, 6
"""Optuna's own numbers of these operations in a journal."""

_BYTES_AT_ONCE = 2**22


class LedgerFile(BaseJournalBackend):
    """Appends records, and reads those that it has not read yet.

    A record that was cut off, by a full disk or a lost machine, is passed over by readers, and taken off the
    file before the next is written. What a lost machine may cost is the epoch that it hit: the disk is waited
    for when an epoch or the end of a trial is written, and all that came before is on it then, too.

    Args:
        path: the file; made if there is none.

    Raises:
        StudyError: it cannot be read or made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            if not path.exists():
                path.touch()
            path.open("rb").close()
        except OSError as error:
            raise StudyError(f"The ledger {path} cannot be opened: {error.strerror}.") from error
        self._number, self.offset = 0, 0
        self.digest = LedgerDigest(path)

    def read_logs(self, log_number_from: int) -> Iterator[Record]:
        """The records from a number on. Numbers are counted by this object: a digest has fewer records."""
        if log_number_from == 0:
            self._number, self.offset = 0, 0
            records, offset = self.digest.load()
            for record in records:
                self._number += 1
                yield self._with_stored_epochs(record)
            # Only with the last of them is that part of the file taken care of.
            self.offset = max(self.offset, offset)
        elif log_number_from != self._number:
            raise RuntimeError(f"Record {log_number_from} was asked for, but {self._number} is next.")
        while self._path.stat().st_size > self.offset:
            with self._path.open("rb", buffering=0) as file:
                file.seek(self.offset)
                content = file.read(_BYTES_AT_ONCE)
                if b"\n" not in content:
                    content += file.read()
            before = self.offset
            yield from self._records(content)
            if self.offset == before:  # nothing but a record that was cut off
                return

    def append_logs(self, logs: list[Record]) -> None:
        """Writes records, all of them or none.

        Raises:
            OSError: the disk is full; then nothing was written.
            StudyError: the file cannot be written for another reason, which does not pass.
        """
        try:
            self._append(logs)
        except OSError as error:
            if is_disk_full(error):
                raise
            raise StudyError(
                f"The ledger {self._path} cannot be written any more: {error.strerror}. The study has "
                "stopped; what was reported before is kept, and `arnn-search resume` goes on after that."
            ) from error

    def _append(self, logs: list[Record]) -> None:
        text = b"".join(json.dumps(log, separators=(",", ":")).encode() + b"\n" for log in logs)
        with self._locked() as file:
            size = _whole_size(file)
            try:
                written = os.write(file, text)
                if written < len(text):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
                if any(map(_must_last, logs)):
                    os.fsync(file)
            except OSError:
                with contextlib.suppress(OSError):
                    os.ftruncate(file, size)
                raise

    @contextlib.contextmanager
    def _locked(self) -> Iterator[int]:
        """Keeps others from writing. Unlike a lock that is a file, it ends with the process that holds it."""
        file = os.open(self._path, os.O_RDWR | os.O_APPEND)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
        finally:
            os.close(file)

    def _records(self, content: bytes) -> Iterator[Record]:
        whole = content[: content.rfind(b"\n") + 1]
        lines = whole.splitlines(keepends=True)
        for record, line in zip(self._parsed(lines), lines, strict=True):
            slim = self._slim(record, self.offset)
            self._number += 1
            self.offset += len(line)
            yield slim

    def _slim(self, record: Record, offset: int) -> Record:
        """The record, with an epoch's metrics left in the file, and what many records say kept once."""
        for name, value in record.get("user_attr", {}).items():
            if value and name.startswith(EPOCH):
                value = StoredMetrics(self._path, offset, name)
            record["user_attr"] = {sys.intern(name): sys.intern(value) if isinstance(value, str) else value}
        if "param_name" in record:
            record["param_name"] = sys.intern(record["param_name"])
        return record

    def _with_stored_epochs(self, record: Record) -> Record:
        """The record of a digest, in which an epoch is the place of its record in the ledger."""
        attributes = record.get("user_attrs", {})
        for name, value in attributes.items():
            if isinstance(value, int) and name.startswith(EPOCH):
                attributes[name] = StoredMetrics(self._path, value, name)
        return record

    def _parsed(self, lines: list[bytes]) -> list[Record]:
        try:
            # At once: that is faster.
            records: list[Record] = json.loads(b"[" + b",".join(lines) + b"]")
            if len(records) != len(lines):
                raise ValueError("a line holds several records")
        except ValueError:
            for number, line in enumerate(lines, start=self._number + 1):
                _check(line, number, self._path)
            raise
        return records


def _must_last(record: Record) -> bool:
    if record["op_code"] in (_CREATE_STUDY, _SET_TRIAL_STATE):
        return True
    return any(name.startswith(EPOCH) for name in record.get("user_attr", ()))


class LedgerStorage(JournalStorage):
    """Optuna's journal in a ledger's file.

    Args:
        path: the file; made if there is none.

    Raises:
        StudyError: it cannot be read or made, or is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.file = LedgerFile(path)
        with _without_collecting():
            super().__init__(self.file)


@contextlib.contextmanager
def _without_collecting() -> Iterator[None]:
    """Nothing that is read of a ledger is garbage, so that looking for it again and again finds none."""
    is_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if is_enabled:
            gc.enable()


def _whole_size(file: int) -> int:
    """The size of the file, from which a record that was cut off has been taken."""
    size = os.fstat(file).st_size
    end = size
    while end and os.pread(file, 1, end - 1) != b"\n":
        start = max(0, end - 65536)
        end = start + os.pread(file, end - start, start).rfind(b"\n") + 1
    if end < size:
        os.ftruncate(file, end)
    return end


def _check(line: bytes, number: int, path: Path) -> None:
    try:
        json.loads(line)
    except ValueError as error:
        raise StudyError(f"Record {number} of the ledger {path} is damaged: {error}.") from None
