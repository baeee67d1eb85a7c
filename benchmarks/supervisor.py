"""What the supervisor itself takes, with 16 slots: its share of a core, and its memory over 2,000 trials.

`python -m benchmarks.supervisor` runs simulated trials of 10 epochs, whose messages are there as soon as the
supervisor listens, with a tracker whose MLflow server is away. Its processor time is set against the time
that 16 such trials at a time would take, for trials of several lengths; what waiting costs is added.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks.measurement import Figure, Spread, publish, spread

_SLOTS, _EPOCHS = 16, 10
_EARLY_TRIAL = 200
_SECONDS_TO_WAIT = 20


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=2_000)
    arguments = parser.parse_args()
    # Nothing is to be waited for, and nothing taken from the machine but the supervisor's own time.
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
    with tempfile.TemporaryDirectory() as folder:
        seconds, memory = _run(Path(folder), trials=arguments.trials)
    waiting = _waiting()
    figures = [
        _share(f"share of a core, trials of {length} s", seconds, arguments.trials, length, waiting)
        for length in (5, 60)
    ]
    growth = (memory[arguments.trials] - memory[_EARLY_TRIAL]) / (arguments.trials - _EARLY_TRIAL) * 1024
    figures += [
        Figure("processor time of a trial", _one(seconds / arguments.trials * 1000), unit="ms"),
        Figure(
            f"memory at trial {arguments.trials:,} / at trial {_EARLY_TRIAL}",
            _one(memory[arguments.trials] / memory[_EARLY_TRIAL]),
            goal=1.05,
            beside=f"{memory[_EARLY_TRIAL]:.0f} MB, then {memory[arguments.trials]:.0f} MB: "
            f"{growth:.1f} KB for each trial of the history",
        ),
    ]
    publish("supervisor", figures, settings=vars(arguments) | {"slots": _SLOTS, "epochs": _EPOCHS})


def _share(name: str, seconds: float, trials: int, length: int, waiting: float) -> Figure:
    share = 100 * (seconds / (trials * length / _SLOTS) + waiting)
    return Figure(name, _one(share), unit="%", goal=3, beside=f"of it waiting: {100 * waiting:.2f} %")


def _run(folder: Path, *, trials: int) -> tuple[float, dict[int, float]]:
    """The processor's seconds, and the memory in MB when so many trials had ended."""
    from arnn_search.studies.best_models import BestModels, Progress
    from arnn_search.studies.layout import StudyLayout
    from arnn_search.studies.ledger import create_ledger
    from arnn_search.tracking import Tracker
    from benchmarks.simulated import supervise

    layout = StudyLayout(folder / "study")
    layout.directory.mkdir()
    ledger = create_ledger(layout.directory, "study")
    for name, value in {"metric": "val_accuracy", "objectives": [["val_accuracy", "maximize"]]}.items():
        ledger.set_attribute(name, value)
    tracker: Any = Tracker(
        layout.tracking,
        study="study",
        study_id="simulated",
        tracking_uri="http://127.0.0.1:9",
        experiment="simulated",
    )
    models, progress = BestModels(ledger, layout, keep=5), Progress(ledger, tracker)
    process, memory = psutil.Process(), dict[int, float]()
    ended = 0

    def on_trial_end(number: int) -> None:
        nonlocal ended
        ended += 1
        models.update()
        progress.update()
        if number % 100 == 0:
            ledger.save_digest()
        if ended in (_EARLY_TRIAL, trials):
            memory[ended] = process.memory_info().rss / 2**20

    started = time.process_time()
    supervise(
        ledger,
        layout.directory,
        trials=trials,
        epochs=_EPOCHS,
        slots=_SLOTS,
        on_trial_end=on_trial_end,
        tracker=tracker,
    )
    seconds = time.process_time() - started
    tracker.close(0.0)
    return seconds, memory


def _waiting() -> float:
    """The share of a core that a loop takes in which 16 trials say nothing: it listens and looks around."""
    import multiprocessing
    from multiprocessing.connection import wait

    pipes = [multiprocessing.Pipe() for _ in range(_SLOTS)]
    started, processor = time.perf_counter(), time.process_time()
    while time.perf_counter() - started < _SECONDS_TO_WAIT:
        wait([ours for ours, _ in pipes], timeout=0.25)
    return (time.process_time() - processor) / _SECONDS_TO_WAIT


def _one(value: float) -> Spread:
    return spread([value])


if __name__ == "__main__":
    main()
