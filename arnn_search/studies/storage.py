"""Where a ledger is kept: a file in the study's folder, or a PostgreSQL database that machines share."""

import contextlib
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from optuna.storages import BaseStorage, RDBStorage

from arnn_search.errors import ConfigurationError, StudyError
from arnn_search.studies.ledger_file import LedgerStorage

FILE_NAME = "ledger.journal"
_DRIVER = "postgresql+psycopg"


def check_storage(url: str) -> str:
    """The address of a shared ledger.

    Raises:
        ConfigurationError: it is no PostgreSQL address, or the driver is not installed.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres", _DRIVER) or not parts.path.strip("/"):
        raise ConfigurationError(
            "`storage` must be postgresql://user@host:port/database, or left away for a file in the study's "
            f"folder. Received: {without_password(url)!r}."
        )
    try:
        import psycopg  # noqa: F401
    except ImportError:
        raise ConfigurationError(
            "A ledger in PostgreSQL needs the package 'psycopg': pip install 'arnn-search[postgresql]'."
        ) from None
    return url


def without_password(url: str) -> str:
    """The address as it may be shown and written down. libpq finds a password in PGPASSWORD or ~/.pgpass."""
    place = urlsplit(url).netloc
    user, at, host = place.rpartition("@")
    # Not put together from its parts again: some Pythons leave slashes out of postgresql:///name.
    return url.replace(f"//{place}", f"//{user.partition(':')[0]}{at}{host}", 1)


def with_scheme(url: str, scheme: str) -> str:
    """The same address, to be understood by something that knows it by another scheme."""
    return f"{scheme}:{url.partition(':')[2]}"


def open_storage(directory: Path, url: str | None) -> BaseStorage:
    """The storage of a study's ledger.

    Args:
        directory: the study's folder.
        url: of the PostgreSQL database; None for a file in the folder.

    Raises:
        StudyError: the database does not answer, or the file cannot be read.
    """
    if url is None:
        return LedgerStorage(directory / FILE_NAME)
    address = with_scheme(check_storage(url), _DRIVER)
    from sqlalchemy import NullPool, create_engine

    try:
        # Two that make the tables at the same moment would both fail.
        with create_engine(address, poolclass=NullPool).connect() as connection:
            _lock(connection, "tables")
            # No connection outlives its use: none is stale after a restart, or held for hours.
            return RDBStorage(address, engine_kwargs={"poolclass": NullPool})
    except Exception as error:  # SQLAlchemy's, the driver's or Optuna's own
        reason = str(error.__cause__ or error).strip().partition("\n")[0]
        raise StudyError(f"The ledger at {without_password(url)} cannot be opened: {reason}") from None


@contextlib.contextmanager
def exclusively(storage: BaseStorage, name: str) -> Iterator[None]:
    """Keeps every other supervisor of a study from claiming a trial meanwhile.

    A ledger in a file needs none of it: its folder's lock lets in one supervisor only.
    """
    if not isinstance(storage, RDBStorage):
        yield
        return
    with storage.engine.connect() as connection:
        _lock(connection, name)
        yield


def _lock(connection: Any, name: str) -> None:
    """Waits for a lock that is released with the transaction, thus also when this machine is lost."""
    from sqlalchemy import text

    key = {"key": zlib.crc32(f"arnn-search {name}".encode())}
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), key)
