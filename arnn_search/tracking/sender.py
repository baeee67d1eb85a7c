"""The sender: a daemon thread that carries the spool to MLflow at its own pace."""

import atexit
import sys
import threading
import time
from collections.abc import Callable

from filelock import FileLock, Timeout

from arnn_search.tracking.batches import Record, plan
from arnn_search.tracking.failures import GoneError, HeldError, reason_of
from arnn_search.tracking.paths import TrackingPaths
from arnn_search.tracking.progress import Cursor
from arnn_search.tracking.remote import RemoteDelivery
from arnn_search.tracking.spool import Spool, SpooledLine

ROUND_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 30.0


class Sender:
    """Sends what the spool holds, in rounds, and remembers how far it came.

    A round sends everything there is. Rounds are `ROUND_SECONDS` apart; after a failure the pause
    doubles from one second to `LONGEST_PAUSE_SECONDS`. One process sends at a time: another one that
    opens the same folder waits for its turn.

    Args:
        paths: the tracker's files.
        spool: what to send.
        reject: is told each record that MLflow will never take, and why; called in the sender's thread.
    """

    def __init__(self, paths: TrackingPaths, spool: Spool, *, reject: Callable[[Record, str], None]) -> None:
        self._spool = spool
        self._delivery = RemoteDelivery(paths, reject=reject)
        self._cursor = Cursor.load(paths.cursor, spool=spool.path)
        self._cursor_path = paths.cursor
        self._lock = FileLock(paths.lock, thread_local=False)
        self._lines: list[SpooledLine] = []
        self._settled: set[int] = set()
        self._changed = threading.Condition()
        self._is_called = False
        self._is_stopping = False
        self._num_begun = 0
        self._num_ended = 0
        self._num_failures = 0
        self._error: HeldError | None = None
        self._thread = threading.Thread(target=self._run, name="arnn-search-sender", daemon=True)

    @property
    def offset(self) -> int:
        """Byte offset in the spool up to which everything is delivered."""
        return self._cursor.offset

    @property
    def num_delivered(self) -> int:
        """Records before that offset."""
        return self._cursor.num_records

    @property
    def error(self) -> HeldError | None:
        """Why nothing is delivered at present."""
        return self._error

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()
        atexit.register(self.stop, 1.0)

    def wait(self, num_records: int, timeout_seconds: float) -> bool:
        """Begin a round now, and wait until so many records are delivered in all.

        Returns:
            Whether they are. False after the timeout, and as soon as it is clear that waiting is no use.
        """
        deadline = time.monotonic() + timeout_seconds
        with self._changed:
            self._is_called = True
            # A round that runs now may have passed over what it is to send.
            own_round = self._num_begun + 1
            self._changed.notify_all()
            while self.num_delivered < num_records and self._thread.is_alive():
                if isinstance(self._error, GoneError) and self._num_ended >= own_round:
                    break
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    break
                self._changed.wait(remaining)
        return self.num_delivered >= num_records

    def stop(self, timeout_seconds: float) -> None:
        """End the thread after the call that it is in; leave it alone if that takes longer."""
        atexit.unregister(self.stop)
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        try:
            while not self._is_stopping:
                began = time.monotonic()
                with self._changed:
                    self._num_begun += 1
                self._error = self._try_round()
                self._num_failures = self._num_failures + 1 if self._error else 0
                self._rest(began)
        except Exception as error:
            # Modules vanish under a daemon thread when the interpreter ends.
            if not sys.is_finalizing():
                self._error = HeldError(f"sending to MLflow has stopped: {reason_of(error)}")
        finally:
            self._delivery.close()
            self._lock.release()
            with self._changed:
                self._changed.notify_all()

    def _rest(self, began: float) -> None:
        pause = ROUND_SECONDS - (time.monotonic() - began)
        if isinstance(self._error, GoneError):
            pause = LONGEST_PAUSE_SECONDS
        elif self._num_failures:
            pause = min(2.0 ** (self._num_failures - 1), LONGEST_PAUSE_SECONDS)
        with self._changed:
            self._num_ended += 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._is_stopping or self._is_called, max(0.0, pause))
            self._is_called = False

    def _try_round(self) -> HeldError | None:
        try:
            self._spool.retry()
            if self.num_delivered < self._spool.num_records:
                self._take_turn()
                while not self._is_stopping and self._send_chunk():
                    with self._changed:
                        self._changed.notify_all()
        except HeldError as error:
            return error
        except Timeout:
            return HeldError("another process is sending the records of this study")
        except Exception as error:
            return HeldError(reason_of(error))
        return None

    def _take_turn(self) -> None:
        if not self._lock.is_locked:
            self._lock.acquire(timeout=0)
            # Whoever had the turn before has moved the cursor.
            self._cursor = Cursor.load(self._cursor_path, spool=self._spool.path)
            self._spool.end_torn_line()

    def _send_chunk(self) -> bool:
        if not self._lines:
            self._lines = self._spool.read(self.offset)
        records: list[Record | None] = [
            None if position in self._settled else line.record for position, line in enumerate(self._lines)
        ]
        try:
            for batch in plan(records):
                if self._is_stopping:
                    return False
                self._delivery.deliver(batch, self._settled.update)
        finally:
            self._advance()
        return self.num_delivered < self._spool.num_records - self._spool.unwritten

    def _advance(self) -> None:
        num_done = 0
        for position, line in enumerate(self._lines):
            if line.record is not None and position not in self._settled:
                break
            num_done += 1
        if num_done:
            self._cursor.advance(self._lines[num_done - 1].end, num_done)
            self._lines = self._lines[num_done:]
            self._settled = {position - num_done for position in self._settled if position >= num_done}
