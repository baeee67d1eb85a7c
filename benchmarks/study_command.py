"""`arnn-search run` as a user starts it, in a folder of its own, and what its ledger says afterwards."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from arnn_search.studies import Study


@dataclass(frozen=True)
class StudyRun:
    """A study that has ended.

    Attributes:
        directory: the folder that holds it.
        seconds: wall time of the command.
        start_up: seconds of it until the first trial was started.
        conclusion: seconds of it after the last trial had ended.
    """

    directory: Path
    seconds: float
    start_up: float
    conclusion: float

    @property
    def study(self) -> Study:
        """The study itself."""
        return Study(directory=self.directory)

    @property
    def trials(self) -> float:
        """Seconds between the start of the first trial and the end of the last."""
        return self.seconds - self.start_up - self.conclusion


def run_study_command(
    directory: Path,
    settings: Mapping[str, Any],
    *,
    watch: Callable[[subprocess.Popen[bytes]], None] | None = None,
) -> StudyRun:
    """Runs a study below `directory`, with its own MLflow store there.

    Args:
        directory: does not exist yet.
        settings: the command's flags, by key.
        watch: is given the process, and returns when it has ended.

    Raises:
        subprocess.CalledProcessError: the command failed.
    """
    directory.mkdir(parents=True)
    store = f"sqlite:///{directory / 'mlflow.db'}"
    flags = {"directory": directory / "studies", "tracking-uri": store} | dict(settings)
    arguments = [str(word) for key, value in flags.items() for word in (f"--{key}", value)]
    command = [sys.executable, "-m", "arnn_search.cli.main", "run", "--quiet", *arguments]
    launched, clock = time.time(), time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=unpinned())
    if watch is not None:
        watch(process)
    if process.wait() != 0:
        raise subprocess.CalledProcessError(process.returncode, command)
    seconds = time.perf_counter() - clock
    first, last = _first_start_and_last_end(Study(directory=directory / "studies").layout.ledger)
    return StudyRun(
        directory / "studies", seconds, start_up=first - launched, conclusion=launched + seconds - last
    )


def unpinned() -> dict[str, str]:
    """The environment without thread counts: a command chooses its own."""
    return {name: value for name, value in os.environ.items() if not name.endswith("_THREADS")}


def _first_start_and_last_end(ledger: Path) -> tuple[float, float]:
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    storage = JournalStorage(JournalFileBackend(str(ledger)))
    trials = storage.get_all_trials(storage.get_all_studies()[0]._study_id)
    assert all(trial.state == optuna.trial.TrialState.COMPLETE for trial in trials)
    starts = [trial.datetime_start or datetime.max for trial in trials]
    ends = [trial.datetime_complete or datetime.min for trial in trials]
    return min(starts).timestamp(), max(ends).timestamp()
