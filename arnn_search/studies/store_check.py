"""Whether the places where a study is kept can be used: its folder, a shared ledger, MLflow's store."""

import os
import shutil
import urllib.error
import urllib.request
from pathlib import Path

from arnn_search.errors import ConfigurationError
from arnn_search.execution.examination import Finding
from arnn_search.studies.layout import all_layouts
from arnn_search.studies.storage import check_storage, with_scheme, without_password
from arnn_search.tracking import is_server, resolve_uri

_SECONDS_TO_ANSWER = 5
_LITTLE = 1 << 30


def examine_stores(directory: Path, *, storage: str | None, tracking_uri: str | None) -> list[Finding]:
    """Looks at the stores, and changes nothing in them.

    Args:
        directory: the folder that holds the studies.
        storage: address of a shared ledger; None if there is none.
        tracking_uri: MLflow's; None for its default.
    """
    findings = [_folder(directory)]
    if storage is not None:
        findings.append(_database(storage))
    findings.append(_tracking(resolve_uri(tracking_uri)))
    return findings


def _folder(directory: Path) -> Finding:
    place = directory.resolve()
    existing = next(path for path in (place, *place.parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        return Finding("stores", "studies", "broken", f"{existing} cannot be written", "--directory FOLDER")
    free = shutil.disk_usage(existing).free
    detail = f"{place}, {len(all_layouts(directory))} studies, {free / 2**30:.1f} GB free"
    if free < _LITTLE:
        return Finding("stores", "studies", "missing", detail, "free some space, or --directory FOLDER")
    return Finding("stores", "studies", "ok", detail)


def _database(storage: str) -> Finding:
    shown = without_password(storage)
    try:
        check_storage(storage)
        import psycopg

        address = with_scheme(storage, "postgresql")
        with psycopg.connect(address, connect_timeout=_SECONDS_TO_ANSWER) as connection:
            server = connection.info.server_version
    except ConfigurationError as error:
        return Finding("stores", "ledger", "broken", str(error), "pip install 'arnn-search[postgresql]'")
    except psycopg.Error as error:
        reason = str(error).strip().partition("\n")[0]
        remedy = "start the server, or give the password in PGPASSWORD or ~/.pgpass"
        return Finding("stores", "ledger", "broken", f"{shown} does not answer: {reason}", remedy)
    return Finding("stores", "ledger", "ok", f"{shown}, PostgreSQL {server // 10000}.{server % 10000}")


def _tracking(uri: str) -> Finding:
    shown = without_password(uri)
    if not is_server(uri):
        return Finding("stores", "mlflow", "ok", shown)
    try:
        with urllib.request.urlopen(f"{uri.rstrip('/')}/health", timeout=_SECONDS_TO_ANSWER):
            return Finding("stores", "mlflow", "ok", f"{shown} answers")
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        remedy = "mlflow server --host HOST --port PORT, or --no-mlflow"
        return Finding("stores", "mlflow", "broken", f"{shown} does not answer: {reason}", remedy)
