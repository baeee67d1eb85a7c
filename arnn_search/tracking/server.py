"""MLflow's own server on this machine, in its lightest form."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from arnn_search.errors import TrackingError
from arnn_search.tracking.pages import StudyLocation, find_study, run_url, study_url
from arnn_search.tracking.quiet import quiet
from arnn_search.tracking.store import artifact_location, ensure_store, is_server, resolve_uri

__all__ = [
    "StudyLocation",
    "ensure_store",
    "find_study",
    "resolve_uri",
    "run_url",
    "serve",
    "stop_server",
    "study_url",
]

START_SECONDS = 90.0
NUM_PORTS = 20
# A server on this machine is never behind the proxy that the environment may name.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def serve(uri: str, host: str = "127.0.0.1", port: int = 5000) -> tuple[subprocess.Popen[bytes] | None, str]:
    """Serve a store's pages, and wait until they answer.

    A server that serves the same store already is used as it is; a port that something else holds is
    passed over for the next one.

    Args:
        uri: the store, as `resolve_uri` gives it.
        host: address to listen at.
        port: first port to try, 1 to 65535; the next 19 are tried after it.

    Returns:
        The server's process, to be ended with `stop_server`, or None where a running server is used; and
        the server's address.

    Raises:
        TrackingError: if the store cannot be opened, no port is free, or the server does not start.
    """
    if is_server(uri):
        return None, uri.rstrip("/")
    ensure_store(uri)
    identity = _identity(uri)
    ports = range(port, min(port + NUM_PORTS, 65536))
    for candidate in ports:
        url = _url(host, candidate)
        if identity is not None and _served_identity(url) == identity:
            return None, url
    for candidate in ports:
        if _is_free(host, candidate):
            process = _start(uri, host, candidate, identity)
            if process is not None:
                return process, _url(host, candidate)
    raise TrackingError(
        f"None of the ports {ports.start} to {ports.stop - 1} is free on {host}. Give another one with "
        "--port."
    )


def stop_server(process: subprocess.Popen[bytes], *, timeout_seconds: float = 10.0) -> None:
    """End a server that `serve` has started, with the workers that it has started."""
    # The server leads a process group of its own; its workers do not end with it.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout_seconds)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _start(
    uri: str, host: str, port: int, identity: tuple[Any, ...] | None
) -> subprocess.Popen[bytes] | None:
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", uri]
    command += ["--host", host, "--port", str(port), "--workers", "1", "--uvicorn-opts", "--no-access-log"]
    if location := artifact_location(uri):
        command += ["--artifacts-destination", location]
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    environment.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    with tempfile.TemporaryDirectory(prefix="arnn-search-mlflow-") as folder:
        log = Path(folder) / "server.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        try:
            if _wait_until_ready(process, _url(host, port), identity):
                return process
        except BaseException:
            stop_server(process)
            raise
        has_ended = process.poll() is not None
        stop_server(process)
        text = log.read_text(errors="replace").strip()
    if has_ended and "address already in use" in text.lower():
        return None
    how = "ended at once" if has_ended else f"did not answer within {START_SECONDS:.0f} seconds"
    raise TrackingError(f"MLflow's server {how}. Its last words: {text[-600:] or 'none'}")


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, identity: tuple[Any, ...] | None) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        served = _served_identity(url)
        if served is not None and identity in (None, served):
            return True
        time.sleep(0.1)
    return False


def _identity(uri: str) -> tuple[Any, ...] | None:
    # Every store creates its default experiment itself, to the millisecond.
    try:
        with quiet():
            from mlflow import MlflowClient

            experiment = MlflowClient(uri).get_experiment("0")
    except Exception:
        return None
    return experiment.creation_time, experiment.artifact_location


def _served_identity(url: str) -> tuple[Any, ...] | None:
    address = f"{url}/api/2.0/mlflow/experiments/get?experiment_id=0"
    try:
        with _direct.open(address, timeout=2.0) as answer:
            experiment = json.load(answer)["experiment"]
        return int(experiment["creation_time"]), experiment["artifact_location"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _url(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
