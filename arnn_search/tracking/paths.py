"""Where a tracker keeps its files: the one place that knows their names."""

import contextlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class TrackingPaths:
    """The files of one tracker, all in the study's own folder."""

    directory: Path

    @property
    def settings(self) -> Path:
        """Where the study is tracked, so that `sync` needs nothing but the folder."""
        return self.directory / "tracking.json"

    @property
    def spool(self) -> Path:
        """Every record, in the order in which it was reported."""
        return self.directory / "spool.jsonl"

    @property
    def cursor(self) -> Path:
        """How far the spool has been delivered."""
        return self.directory / "cursor.json"

    @property
    def run_ids(self) -> Path:
        """Which MLflow run belongs to which trial."""
        return self.directory / "runs.json"

    @property
    def rejected(self) -> Path:
        """Records that MLflow does not take, each with the reason."""
        return self.directory / "rejected.jsonl"

    @property
    def lock(self) -> Path:
        """Held by the one process that is sending."""
        return self.directory / "sender.lock"

    @property
    def read_back(self) -> Path:
        """What was read back of trials that have ended, for the dashboards."""
        return self.directory / "read_back"

    @property
    def outbox(self) -> Path:
        """Files that are made for MLflow, on their way there."""
        return self.directory / "outbox"


def read_json(path: Path) -> Any:
    """Read a JSON file; None where it is missing or was never written completely."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def write_json(path: Path, value: Any) -> None:
    """Replace a JSON file in one step, so that a reader or a crash never sees half of it.

    Raises:
        OSError: if the disk does not take it; the former content is then still in place.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(json.dumps(value), encoding="utf-8")
        os.replace(draft, path)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
