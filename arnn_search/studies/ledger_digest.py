"""A digest of a ledger: what a stretch of it comes to, in one record per trial instead of dozens.

Of an epoch it says where in the ledger its record begins.

The ledger is the truth, and whole without it. Where a digest is missing or of another file, the ledger's own
records are read instead.
"""

import contextlib
import json
import os
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from optuna.distributions import distribution_to_json
from optuna.trial import FrozenTrial

from arnn_search.studies.stored_metrics import StoredMetrics

Record = dict[str, Any]

_SET_STUDY_ATTRIBUTE, _CREATE_TRIAL = 2, 4
"""Optuna's own numbers of these operations in a journal."""


class LedgerDigest:
    """Two files beside the ledger: the trials that have ended, one a line, and the state of all else.

    Args:
        ledger: the ledger's file.
    """

    def __init__(self, ledger: Path) -> None:
        self._ledger = ledger
        self._ended = ledger.with_suffix(".ended")
        self._rest = ledger.with_suffix(".digest")
        self._num_ended, self._size = 0, 0

    def load(self) -> tuple[list[Record], int]:
        """The records, and up to which byte of the ledger they stand for it; none and 0 without a digest."""
        try:
            rest = json.loads(self._rest.read_bytes())
            if rest["ledger"] != self._identity():
                return [], 0
            with self._ended.open("rb") as file:
                ended = file.read(rest["size"])
            if len(ended) < rest["size"] or not self._ends_at(rest["offset"]):
                return [], 0
            records = json.loads(b"[" + b",".join(ended.splitlines()) + b"]")
        except (OSError, ValueError, KeyError, TypeError):
            return [], 0
        self._num_ended, self._size = len(records), rest["size"]
        return [*rest["study"], *records, *rest["running"]], int(rest["offset"])

    def save(self, *, attributes: Record, trials: Sequence[FrozenTrial], offset: int) -> None:
        """Writes what is new. A digest that cannot be written is done without.

        Args:
            attributes: the study's own.
            trials: all of them.
            offset: up to which byte of the ledger this is what it comes to.
        """
        settled = self._num_ended
        while settled < len(trials) and trials[settled].state.is_finished():
            settled += 1
        new = trials[self._num_ended : settled]
        text = "".join(_as_line(trial) for trial in new).encode()
        rest = {
            "ledger": self._identity(),
            "offset": offset,
            "size": self._size + len(text),
            "study": [
                json.loads(self._first_record()),
                *(_attribute_record(name, value) for name, value in attributes.items()),
            ],
            "running": [_as_record(trial) for trial in trials[settled:]],
        }
        with contextlib.suppress(OSError):
            with self._ended.open("r+b" if self._size else "wb") as file:
                # What lies behind was written by somebody who did not come to the second file.
                file.truncate(self._size)
                file.seek(self._size)
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            unfinished = self._rest.with_suffix(".unfinished")
            unfinished.write_text(json.dumps(rest))
            unfinished.replace(self._rest)
            self._num_ended, self._size = settled, self._size + len(text)

    def _identity(self) -> str:
        """Of the ledger: a hash of its first record, in which Optuna puts something random."""
        return sha256(self._first_record()).hexdigest()

    def _ends_at(self, offset: int) -> bool:
        """Whether a record of the ledger ends there."""
        with self._ledger.open("rb") as file:
            file.seek(offset - 1)
            return file.read(1) == b"\n"

    def _first_record(self) -> bytes:
        """The one that made the study."""
        with self._ledger.open("rb") as file:
            return file.readline()


def _attribute_record(name: str, value: Any) -> Record:
    return {"op_code": _SET_STUDY_ATTRIBUTE, "worker_id": "", "study_id": 0, "user_attr": {name: value}}


def _as_line(trial: FrozenTrial) -> str:
    return json.dumps(_as_record(trial), separators=(",", ":")) + "\n"


def _as_record(trial: FrozenTrial) -> Record:
    """The record by which Optuna's journal adds a trial as it is."""
    values = trial.values
    record = {
        "op_code": _CREATE_TRIAL,
        "worker_id": "",
        "study_id": 0,
        "state": trial.state,
        "value": values[0] if values and len(values) == 1 else None,
        "values": values if values and len(values) > 1 else None,
        "datetime_start": _as_text(trial.datetime_start),
        "params": {
            name: trial.distributions[name].to_internal_repr(value) for name, value in trial.params.items()
        },
        "distributions": {name: distribution_to_json(one) for name, one in trial.distributions.items()},
        "user_attrs": {name: _as_json(value) for name, value in trial.user_attrs.items()},
        "system_attrs": trial.system_attrs,
        "intermediate_values": trial.intermediate_values,
    }
    if trial.datetime_complete is not None:
        record["datetime_complete"] = _as_text(trial.datetime_complete)
    return record


def _as_json(value: Any) -> Any:
    return value.offset if isinstance(value, StoredMetrics) else value


def _as_text(time: datetime | None) -> str | None:
    return None if time is None else time.astimezone().isoformat(timespec="microseconds")
