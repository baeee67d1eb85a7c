"""Where a ledger is kept: a file in the study's folder, or a PostgreSQL database that machines share."""

import contextlib
import functools
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ParamSpec, TypeVar
from urllib.parse import urlsplit, urlunsplit

from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, RDBStorage
from tenacity import retry, retry_if_exception, stop_after_delay, wait_exponential

from arnn_search.errors import ConfigurationError, StudyError
from arnn_search.studies.ledger_file import LedgerStorage

FILE_NAME = "ledger.journal"
_DRIVER = "postgresql+psycopg"
_SECONDS_WITHOUT_DATABASE = 600

P = ParamSpec("P")
T = TypeVar("T")


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
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=user.partition(":")[0] + at + host))


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
    address = urlunsplit(urlsplit(check_storage(url))._replace(scheme=_DRIVER))
    from sqlalchemy import NullPool

    try:
        # No connection outlives its use: none is stale after a restart, or held through hours of training.
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
    from sqlalchemy import text

    key = {"key": zlib.crc32(f"arnn-search {name}".encode())}
    with storage.engine.connect() as connection:
        # Released with the transaction, thus also when this machine is lost.
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), key)
        yield


def patiently(function: Callable[P, T]) -> Callable[P, T]:
    """Tries again for ten minutes while a database restarts."""
    again = retry(
        retry=retry_if_exception(_is_database_gone),
        wait=wait_exponential(multiplier=0.2, max=15),
        stop=stop_after_delay(_SECONDS_WITHOUT_DATABASE),
        reraise=True,
    )(function)

    @functools.wraps(function)
    def call(*arguments: P.args, **keywords: P.kwargs) -> T:
        # The first attempt, and nearly always the only one, without the machinery for others.
        try:
            return function(*arguments, **keywords)
        except Exception as error:
            if not _is_database_gone(error):
                raise
        return again(*arguments, **keywords)

    return call


def _is_database_gone(error: BaseException) -> bool:
    if isinstance(error, StorageInternalError):
        return True
    errors = sys.modules.get("sqlalchemy.exc")  # not loaded where the ledger is a file
    return errors is not None and isinstance(error, (errors.OperationalError, errors.InterfaceError))
