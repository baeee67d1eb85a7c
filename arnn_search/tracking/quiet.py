"""Using MLflow without its voice: nothing on the terminal, no telemetry, no long retries.

MLflow is configured by environment variables alone, logs through handlers of its own, and uses what its
own libraries warn of. All three are changed for as long as we use it; what the user has set stands.
"""

import logging
import os
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

_ENVIRONMENT = {
    # Retrying is the sender's work: MLflow's default blocks a call for four minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    # Ending a run prints its address to the terminal otherwise.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # A bar for each file that is read, otherwise.
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # Usage is reported to MLflow's makers otherwise.
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
_LOGGERS_WITH_HANDLERS = ("mlflow", "alembic", "sqlalchemy.engine")
_LOGGERS_WITHOUT_HANDLERS = ("urllib3.connectionpool", "matplotlib", "matplotlib.font_manager")

_MODULES_THAT_WARN = r"(mlflow|sqlalchemy|alembic)(\.|$)"

_lock = threading.Lock()
_num_users = 0
_ours: list[str] = []
_silent_threads: dict[int, int] = {}


class _SilentThreads(logging.Filter):
    """Drops what is logged in a thread that is silent now."""

    def filter(self, record: logging.LogRecord) -> bool:
        # Matplotlib speaks of its font cache from a timer's thread.
        return record.thread not in _silent_threads and "font cache" not in str(record.msg)


_filter = _SilentThreads()


@contextmanager
def quiet() -> Iterator[None]:
    """Keep MLflow and Matplotlib silent in this thread, and MLflow's calls short, while it is open.

    The environment variables are shared by the whole process: the first user sets them, the last one
    takes them back, and a variable that is set already is left alone.
    """
    global _num_users
    thread = threading.get_ident()
    with _lock:
        if not _num_users:
            _ours[:] = [name for name in _ENVIRONMENT if name not in os.environ]
            os.environ.update({name: _ENVIRONMENT[name] for name in _ours})
            # `warnings.catch_warnings` would restore the filters of all other threads when it ends.
            warnings.filterwarnings("ignore", module=_MODULES_THAT_WARN)
        _num_users += 1
        _silent_threads[thread] = _silent_threads.get(thread, 0) + 1
    try:
        # Its handlers exist once it is imported, and importing is where most of the noise would be.
        import mlflow  # noqa: F401

        _silence()
        yield
    finally:
        with _lock:
            _num_users -= 1
            _silent_threads[thread] -= 1
            if not _silent_threads[thread]:
                del _silent_threads[thread]
            if not _num_users:
                for name in _ours:
                    os.environ.pop(name, None)
                warnings.filters[:] = [item for item in warnings.filters if not _is_ours(item)]  # type: ignore[index]


def _is_ours(warning_filter: Sequence[object]) -> bool:
    return getattr(warning_filter[3], "pattern", None) == _MODULES_THAT_WARN


def _silence() -> None:
    for name in _LOGGERS_WITHOUT_HANDLERS:
        logging.getLogger(name).addFilter(_filter)
    for name in _LOGGERS_WITH_HANDLERS:
        for handler in logging.getLogger(name).handlers:
            handler.addFilter(_filter)
