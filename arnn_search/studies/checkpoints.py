"""Where the checkpoints of running trials are kept, so that whoever goes on with a trial finds its own.

In the study's folder there is always one. A machine that shares nothing but the ledger does not see that, so
with a shared ledger it is kept in the database too, or in a folder that all machines reach.
"""

import contextlib
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from optuna.storages import RDBStorage

from arnn_search.errors import StudyError
from arnn_search.studies.ledger import Ledger
from arnn_search.studies.storage import exclusively
from arnn_search.trials.checkpoint import checkpoint_epoch

MOST_BYTES_IN_DATABASE = 64 << 20
"""Of one checkpoint. The supervisor hands them on one by one, and other trials wait meanwhile."""


class CheckpointTooLargeError(StudyError):
    """A checkpoint that a store does not take."""


class CheckpointStore(ABC):
    """A place that outlives a machine. One checkpoint for each running trial, the latest."""

    @abstractmethod
    def keep(self, number: int, path: Path, epoch: int) -> None:
        """Takes the checkpoint of a trial; when this returns another machine finds it.

        Raises:
            CheckpointTooLargeError: it is not taken, for its size.
            OSError: the folder cannot be written.
        """

    @abstractmethod
    def fetch(self, number: int, path: Path) -> None:
        """Puts the checkpoint of a trial into a file, unless that is as far already, or there is none."""

    @abstractmethod
    def remove(self, number: int) -> None:
        """Forgets the checkpoint of a trial that has ended, or begins anew."""


class LocalCheckpoints(CheckpointStore):
    """Those in the study's folder, which nobody else has to find."""

    def keep(self, number: int, path: Path, epoch: int) -> None:
        """It is where it was written."""

    def fetch(self, number: int, path: Path) -> None:
        """It is there, if there is one."""

    def remove(self, number: int) -> None:
        """The trial's own file is its session's to remove."""


class FolderCheckpoints(CheckpointStore):
    """Copies in a folder that every machine reaches.

    Args:
        directory: the folder of the study below it.

    Raises:
        StudyError: it cannot be written.
    """

    def __init__(self, directory: Path) -> None:
        from arnn_search.studies.layout import check_writable

        check_writable(directory)
        self._directory = directory

    def keep(self, number: int, path: Path, epoch: int) -> None:
        _copy_whole(path, self._file(number))

    def fetch(self, number: int, path: Path) -> None:
        if checkpoint_epoch(self._file(number)) > checkpoint_epoch(path):
            _copy_whole(self._file(number), path)

    def remove(self, number: int) -> None:
        self._file(number).unlink(missing_ok=True)

    def _file(self, number: int) -> Path:
        return self._directory / f"{number:05d}.npz"


class DatabaseCheckpoints(CheckpointStore):
    """One row for each running trial, in a table beside the ledger's.

    Args:
        storage: the ledger's PostgreSQL database.
        study: what tells the study from all others, also from a later one of its name.
        most_bytes: that a checkpoint may have.
    """

    def __init__(self, storage: RDBStorage, study: str, *, most_bytes: int = MOST_BYTES_IN_DATABASE) -> None:
        self._storage, self._study, self._most_bytes = storage, study, most_bytes
        with exclusively(storage, "tables"), self._cursor() as execute:
            execute(
                "CREATE TABLE IF NOT EXISTS arnn_search_checkpoints (study TEXT NOT NULL,"
                " trial INTEGER NOT NULL, epoch INTEGER NOT NULL, content BYTEA NOT NULL,"
                " PRIMARY KEY (study, trial))"
            )
            # Weights do not compress; to try takes longer than to write them.
            execute("ALTER TABLE arnn_search_checkpoints ALTER COLUMN content SET STORAGE EXTERNAL")

    def keep(self, number: int, path: Path, epoch: int) -> None:
        size = path.stat().st_size
        if size > self._most_bytes:
            raise CheckpointTooLargeError(
                f"It has {size / 1e6:,.0f} MB, and the database takes {self._most_bytes / 1e6:,.0f} MB: "
                "another machine would begin this trial anew. --checkpoint-directory names a folder that all "
                "machines reach."
            )
        with self._cursor() as execute:
            execute(
                "INSERT INTO arnn_search_checkpoints (study, trial, epoch, content)"
                " VALUES (:study, :trial, :epoch, :content) ON CONFLICT (study, trial) DO UPDATE"
                " SET epoch = excluded.epoch, content = excluded.content"
                " WHERE arnn_search_checkpoints.epoch <= excluded.epoch",
                trial=number,
                epoch=epoch,
                content=path.read_bytes(),
            )

    def fetch(self, number: int, path: Path) -> None:
        with self._cursor() as execute:
            found = execute(
                "SELECT content FROM arnn_search_checkpoints"
                " WHERE study = :study AND trial = :trial AND epoch > :epoch",
                trial=number,
                epoch=checkpoint_epoch(path),
            ).scalar()
        if found is not None:
            unfinished = path.with_name(f"unfinished-{path.name}")
            unfinished.write_bytes(found)
            unfinished.replace(path)

    def remove(self, number: int) -> None:
        with self._cursor() as execute:
            execute(
                "DELETE FROM arnn_search_checkpoints WHERE study = :study AND trial = :trial", trial=number
            )

    @contextlib.contextmanager
    def _cursor(self) -> Iterator[Any]:
        from sqlalchemy import text

        with self._storage.engine.begin() as connection:

            def execute(statement: str, **values: Any) -> Any:
                return connection.execute(text(statement), values | {"study": self._study})

            yield execute


def open_checkpoints(ledger: Ledger, directory: Path | None) -> CheckpointStore:
    """The store for a ledger's study.

    Args:
        ledger: of the study.
        directory: a folder that all machines reach; None for the database, if the ledger is in one.

    Raises:
        StudyError: the folder cannot be written.
    """
    study = str(ledger.attributes.get("study_id", "study"))
    if directory is not None:
        return FolderCheckpoints(directory / study)
    if isinstance(ledger.storage, RDBStorage):
        return DatabaseCheckpoints(ledger.storage, study)
    return LocalCheckpoints()


def _copy_whole(source: Path, target: Path) -> None:
    """Replaces a file, which is whole at any time."""
    unfinished = target.with_name(f"unfinished-{target.name}")
    shutil.copyfile(source, unfinished)
    unfinished.replace(target)
