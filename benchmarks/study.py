"""What a whole study costs beside the fits that it consists of.

`python -m benchmarks.study` runs `arnn-search run` with 8 trials, from the command to its end (data prepared,
space tried, gradients followed, MLflow fed, models kept, the best one scored on the test part), and the same
8 fits in a bare Keras loop, in turn. The sampler is random, so that the architectures do not depend on the
number of workers, and nothing is pruned, so that all epochs are run.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measurement import Figure, interleave, publish, ratio, spread
from benchmarks.study_command import StudyRun, run_study_command, unpinned

_GOAL = 1.15
_GOAL_OF_WORKERS = 1 / 1.6
_TRIALS = 8
_SPACES = ("poster-cnn", "conv-classifier")
_BATCH_SIZE = 32


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, nargs="+", default=[5])
    arguments = parser.parse_args()

    figures = []
    for space in _SPACES:
        for epochs in arguments.epochs:
            with tempfile.TemporaryDirectory() as folder:
                comparison = _Comparison(Path(folder), space, epochs)
                figures += comparison.figures(rounds=arguments.rounds)
    settings = {"rounds": arguments.rounds, "trials": _TRIALS, "batch_size": _BATCH_SIZE, "data": "digits"}
    publish("study", figures, settings=settings)


@dataclass(frozen=True)
class _Bare:
    seconds: float
    start_up: float
    fits: float


class _Comparison:
    """A study of one space, with one worker and with one per core, and its bare loop."""

    def __init__(self, folder: Path, space: str, epochs: int) -> None:
        self._folder, self._space, self._epochs = folder, space, epochs
        self._studies: dict[str, list[StudyRun]] = {"one worker": [], "default workers": []}
        self._bare: list[_Bare] = []

    def figures(self, *, rounds: int) -> list[Figure]:
        """Runs everything in turn."""
        self._run_study("one worker")  # its architectures are what the bare loop fits
        self._write_fits(self._studies["one worker"].pop())
        variants = {
            "one worker": lambda: self._run_study("one worker"),
            "bare": self._run_bare,
            "default workers": lambda: self._run_study("default workers"),
        }
        seconds = interleave(variants, rounds=rounds, warm_up=0)
        prefix = f"{self._space}, {self._epochs} epochs"
        bare = f"bare: {spread(seconds['bare']).median:.1f} s"
        figures = [
            Figure(
                f"{prefix}: study / bare loop, {name}", ratio(seconds, name, "bare"), goal=_GOAL, beside=bare
            )
            for name in self._studies
        ]
        for name, runs in self._studies.items():
            pairs = list(zip(runs, self._bare, strict=True))
            figures += [
                Figure(
                    f"{prefix}: trials / bare fits, {name}", spread([s.trials / b.fits for s, b in pairs])
                ),
                _seconds(f"{prefix}: study's start-up, {name}", [run.start_up for run in runs]),
                _seconds(f"{prefix}: study's trials, {name}", [run.trials for run in runs]),
                _seconds(f"{prefix}: study's conclusion, {name}", [run.conclusion for run in runs]),
            ]
        one, several = self._studies["one worker"], self._studies["default workers"]
        sped_up = spread([each.trials / alone.trials for each, alone in zip(several, one, strict=True)])
        return [
            *figures,
            Figure(f"{prefix}: trials, default workers / one worker", sped_up, goal=_GOAL_OF_WORKERS),
            _seconds(f"{prefix}: bare loop's start-up", [run.start_up for run in self._bare]),
            _seconds(f"{prefix}: bare loop's fits", [run.fits for run in self._bare]),
        ]

    def _run_study(self, name: str) -> None:
        settings: dict[str, Any] = {
            "space": self._space,
            "data": "digits",
            "trials": _TRIALS,
            "epochs": self._epochs,
            "batch-size": _BATCH_SIZE,
            "sampler": "random",
            "pruner": "none",
        }
        if name == "one worker":
            settings["workers"] = 1
        run = run_study_command(Path(tempfile.mkdtemp(dir=self._folder)) / "study", settings)
        self._check(run)
        self._studies[name].append(run)

    def _check(self, run: StudyRun) -> None:
        fits = self._folder / "fits.json"
        if not fits.exists():
            return
        recorded = [fit["parameters"] for fit in json.loads(fits.read_text())["fits"]]
        if recorded != [trial.parameters for trial in run.study.trials]:
            raise RuntimeError("The studies to be compared did not train the same architectures.")

    def _write_fits(self, run: StudyRun) -> None:
        study = run.study
        write_fits(self._folder / "fits.json", study.config.space, study.data_directory, study.trials)

    def _run_bare(self) -> None:
        started = time.perf_counter()
        report = run_bare_loop(self._folder / "fits.json")
        seconds = time.perf_counter() - started
        fits = sum(report["fits"])
        self._bare.append(_Bare(seconds, start_up=seconds - fits, fits=fits))


def write_fits(path: Path, space: str, data: Path, trials: Sequence[Any], *, threads: int = 0) -> None:
    """Writes what `benchmarks.bare_loop` fits: what these trials trained."""
    fits = [
        {"seed": trial.number, "parameters": trial.parameters, "epochs": trial.epochs} for trial in trials
    ]
    content = {"space": space, "data": str(data), "batch_size": _BATCH_SIZE, "threads": threads, "fits": fits}
    path.write_text(json.dumps(content))


def run_bare_loop(fits: Path) -> Mapping[str, Any]:
    """Runs `benchmarks.bare_loop` in a process of its own; what it printed."""
    command = [sys.executable, "-m", "benchmarks.bare_loop", str(fits)]
    environment = unpinned() | {"CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run(command, capture_output=True, check=True, text=True, env=environment)
    report: Mapping[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


def _seconds(name: str, values: Sequence[float]) -> Figure:
    return Figure(name, spread(values), unit="s")


if __name__ == "__main__":
    main()
