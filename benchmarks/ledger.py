"""What a trial costs the supervisor as the ledger grows, and how long it takes to look at a large study.

`python -m benchmarks.ledger` runs a study of 10,000 simulated trials with one slot, random sampling and no
pruner: proposals, admissions, the reports of five epochs and endings are real, the training is not.
"""

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measurement import Figure, Spread, publish, spread

_EPOCHS = 5
_WINDOW = 100


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--looks", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        wall, processor = _run(Path(folder), trials=arguments.trials)
        looks = [_look(Path(folder)) for _ in range(arguments.looks)]
    early, late = slice(_WINDOW // 2, 3 * _WINDOW // 2), slice(-_WINDOW, None)
    at = f"trial {arguments.trials:,}"
    figures = [
        Figure(
            f"ask, report and tell at {at} / at trial 100",
            _ratio(processor[late], processor[early]),
            goal=3,
            beside=f"{_ms(processor[early])}, then {_ms(processor[late])} of processor time a trial",
        ),
        Figure(
            "the same, wall time with the disk's",
            _ratio(wall[late], wall[early]),
            goal=3,
            beside=f"{_ms(wall[early])}, then {_ms(wall[late])}",
        ),
        Figure(f"arnn-search status of {arguments.trials:,} trials", spread(looks), unit="s", goal=2),
    ]
    publish("ledger", figures, settings=vars(arguments) | {"epochs": _EPOCHS})


def _run(folder: Path, *, trials: int) -> tuple[list[float], list[float]]:
    """Seconds of each trial, by the clock and of the processor."""
    from arnn_search.studies.best_models import BestModels, Progress
    from arnn_search.studies.config import StudyConfig
    from arnn_search.studies.config_file import config_as_toml
    from arnn_search.studies.layout import StudyLayout
    from arnn_search.studies.ledger import create_ledger
    from arnn_search.tracking import NullTracker
    from benchmarks.simulated import supervise

    layout = StudyLayout(folder / "study")
    layout.directory.mkdir()
    layout.config.write_text(config_as_toml(StudyConfig(study="study", trials=trials)))
    ledger = create_ledger(layout.directory, "study")
    attributes = {"metric": "val_accuracy", "space": "simulated", "data": "none"}
    for name, value in (attributes | {"objectives": [["val_accuracy", "maximize"]]}).items():
        ledger.set_attribute(name, value)
    models, progress = BestModels(ledger, layout, keep=5), Progress(ledger, NullTracker())
    wall, processor = [time.perf_counter()], [time.process_time()]

    def on_trial_end(number: int) -> None:
        models.update()
        progress.update()
        if number % 100 == 0:
            ledger.save_digest()
        wall.append(time.perf_counter())
        processor.append(time.process_time())

    supervise(ledger, layout.directory, trials=trials, epochs=_EPOCHS, slots=1, on_trial_end=on_trial_end)
    return _differences(wall), _differences(processor)


def _look(folder: Path) -> float:
    command = [sys.executable, "-m", "arnn_search.cli.main", "status", "--directory", str(folder)]
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=os.environ | {"COLUMNS": "160"})
    return time.perf_counter() - started


def _differences(times: list[float]) -> list[float]:
    return [later - earlier for earlier, later in itertools.pairwise(times)]


def _ratio(late: list[float], early: list[float]) -> Spread:
    """Of the means, in which the digest that is written now and then counts; quartiles of single trials."""
    reference = sum(early) / len(early)
    quartiles = spread([value / reference for value in late])
    return Spread(sum(late) / len(late) / reference, quartiles.lower, quartiles.upper, len(late))


def _ms(seconds: list[float]) -> str:
    return f"{sum(seconds) / len(seconds) * 1000:.1f} ms"


if __name__ == "__main__":
    main()
