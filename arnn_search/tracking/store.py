"""MLflow's store: which one it is, and creating the default one."""

import contextlib
import os
import re
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from arnn_search.errors import TrackingError
from arnn_search.tracking.failures import reason_of
from arnn_search.tracking.quiet import quiet

DEFAULT_DATABASE = "mlflow.db"
ARTIFACTS_FOLDER = "mlruns"
_SQLITE = "sqlite:///"


def resolve_uri(
    uri: str | None = None, *, folder: Path | None = None, environment: Mapping[str, str] = os.environ
) -> str:
    """The address of the tracking store.

    Args:
        uri: an address that was given explicitly; None or empty for the one in MLFLOW_TRACKING_URI, and
            without that for `sqlite:///mlflow.db`.
        folder: folder that a relative database path refers to; None for the current one.
        environment: environment variables.

    Returns:
        The address, a SQLite database always with its absolute path.
    """
    address = uri or environment.get("MLFLOW_TRACKING_URI") or _SQLITE + DEFAULT_DATABASE
    database = database_path(address)
    if database is None:
        return address
    return _address_of((folder or Path.cwd()) / database)


def _address_of(database: Path) -> str:
    return _SQLITE + re.sub("[%?]", lambda match: f"%{ord(match[0]):02X}", str(database))


def is_server(uri: str) -> bool:
    """Whether a store is reached through a server that somebody runs."""
    return urlsplit(uri).scheme in {"http", "https"}


def database_path(uri: str) -> Path | None:
    """The file of a SQLite store; None for any other store."""
    if not uri.startswith(_SQLITE):
        return None
    return Path(unquote(uri.removeprefix(_SQLITE).partition("?")[0]))


def artifact_location(uri: str) -> str | None:
    """Where a SQLite store keeps files: `mlruns` beside the database. None where the server decides."""
    database = database_path(uri)
    return None if database is None else (database.absolute().parent / ARTIFACTS_FOLDER).as_uri()


def ensure_store(uri: str) -> None:
    """Create the database of a SQLite store if it is missing; any other store is only checked by name.

    Any number of processes may call it at once: one creates the database, the others wait for it.

    Raises:
        TrackingError: if the database cannot be created or opened, or if MLflow has no such store.
    """
    if urlsplit(uri).scheme in {"", "file"}:
        raise TrackingError(
            f"MLflow keeps no studies in a folder of files any more. Received: {uri!r}. Use a database "
            f"(sqlite:///mlflow.db) or the address of an MLflow server (http://...)."
        )
    database = database_path(uri)
    if database is None:
        return
    from filelock import FileLock

    try:
        database.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(database.with_name(f".{database.name}.lock")), quiet():
            if database.exists() and database.stat().st_size:
                _open(uri, database)
                return
            # MLflow makes it in dozens of steps, and one that was cut off between two is of no use any more.
            unfinished = database.with_name(f".{database.name}.unfinished")
            unfinished.unlink(missing_ok=True)
            _open(_address_of(unfinished), unfinished, artifacts=artifact_location(uri))
            unfinished.replace(database)
    except Exception as error:
        raise TrackingError(
            f"MLflow's database {database} cannot be opened: {reason_of(error)}. Free some space, choose a "
            "folder that can be written, or give another store by MLFLOW_TRACKING_URI."
        ) from error


def _open(uri: str, database: Path, *, artifacts: str | None = None) -> None:
    # MLflow itself tries for more than a minute to open what cannot be opened.
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA schema_version")
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    store = SqlAlchemyStore(uri, artifacts or artifact_location(uri))  # type: ignore[no-untyped-call]
    store.engine.dispose()
