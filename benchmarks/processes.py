"""What processes cost: starting them, and the memory and time of those that only watch.

`python -m benchmarks.processes` measures the start of a trial's process after the first, the command's
`--help`, the memory and processor time of the supervisor, a trial's memory beside that of a bare fit, and
whether memory stays flat over 100 trials.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.measurement import Figure, Spread, interleave, pin_threads, publish, spread
from benchmarks.process_watch import Watch, watch_study
from benchmarks.study import run_bare_loop, write_fits
from benchmarks.study_command import StudyRun, run_study_command

_TINY_SPACE = '''"""One small dense layer: as little training as a trial can have."""

import keras

from arnn_search import blocks


def build(hp, data):
    inputs = blocks.inputs(data)
    x = keras.layers.Dense(hp.Int("units", 2, 8), activation="tanh")(keras.layers.Flatten()(inputs))
    return blocks.compile_model(keras.Model(inputs, blocks.outputs(x, data)), hp, data)
'''
_EARLY_TRIAL = 10


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=30)
    parser.add_argument("--trials", type=int, default=100, help="of the long study")
    arguments = parser.parse_args()
    pin_threads(1)

    figures = _help(arguments.starts)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        space = folder / "tiny.py"
        space.write_text(_TINY_SPACE)
        figures += _ordinary_study(folder)
        figures += _long_study(folder, space, trials=arguments.trials)
        figures += _starts(folder, space, starts=arguments.starts)
    publish("processes", figures, settings=vars(arguments))


def _help(rounds: int) -> list[Figure]:
    def run(*arguments: str) -> Any:
        return lambda: subprocess.run([sys.executable, *arguments], capture_output=True, check=True)

    variants = {"help": run("-m", "arnn_search.cli.main", "--help"), "nothing": run("-c", "pass")}
    seconds = interleave(variants, rounds=rounds)
    beside = f"python -c pass: {spread(seconds['nothing']).median:.2f} s"
    return [Figure("arnn-search --help", spread(seconds["help"]), unit="s", goal=0.4, beside=beside)]


def _starts(folder: Path, space: Path, *, starts: int) -> list[Figure]:
    """Until a trial asks for its first parameter: forked, framework prepared, data and space opened."""
    from arnn_search.data import prepare
    from arnn_search.execution import DeviceRequest, LocalExecutor, plan_slots
    from arnn_search.trials import TrialTask

    data = prepare("digits", cache_directory=folder / "cache").directory
    asked, ended, called = [], [], []
    with LocalExecutor() as executor:
        slot = plan_slots(DeviceRequest("cpu", workers=1)).slots[0]
        begun = time.perf_counter()
        executor.call("math:sqrt", 4.0)
        first = time.perf_counter() - begun
        for number in range(starts):
            begun = time.perf_counter()
            executor.call("math:sqrt", 4.0)
            called.append(time.perf_counter() - begun)
            task = TrialTask(
                number=number,
                seed=number,
                space=space,
                data=data,
                directory=folder / "starts" / str(number),
                epochs=1,
                batch_size=256,
                metric="val_accuracy",
                direction="maximize",
            )
            session = _TimedSession()
            executor.submit(task, slot, session)
            while session.ended is None:
                executor.poll(0.25)
            asked.append(session.asked - session.begun)
            ended.append(session.ended - session.begun)
    beside = f"the first, with the import of Keras: {first:.1f} s"
    return [
        Figure("a trial's start, until its first question", spread(asked), unit="s", goal=0.3, beside=beside),
        Figure("a process' start and end, for a call", spread(called), unit="s", goal=0.3),
        Figure("a tiny trial of one epoch, whole", spread(ended), unit="s"),
    ]


class _TimedSession:
    """Answers with defaults, and notes when it was first asked and when the trial had ended."""

    def __init__(self) -> None:
        self.begun = time.perf_counter()
        self.asked = 0.0
        self.ended: float | None = None

    def suggest(self, parameter: Any) -> Any:
        self.asked = self.asked or time.perf_counter()
        return parameter.default

    def built(self, built: Any) -> Any:
        from arnn_search.trials import Verdict

        return Verdict()

    def probed(self, metrics: Any) -> None:
        """Goes on."""

    def report(self, report: Any) -> None:
        """Goes on."""

    def event(self, name: str, details: Any) -> None:
        """Nothing to note."""

    def finish(self, outcome: Any) -> None:
        if outcome.state != "completed":
            raise RuntimeError(outcome.traceback)
        self.ended = time.perf_counter()


def _ordinary_study(folder: Path) -> list[Figure]:
    settings = {"space": "conv-classifier", "data": "digits", "trials": 8, "pruner": "none"}
    run, watch = _watched(folder / "ordinary", settings)
    trials = run.study.trials
    largest = max(trials, key=lambda trial: trial.num_parameters)
    write_fits(folder / "fits.json", "conv-classifier", run.study.data_directory, [largest], threads=1)
    bare = [run_bare_loop(folder / "fits.json")["peak_mb"] for _ in range(3)]
    share = 100 * watch.trials_cpu_seconds / watch.trials_seconds
    cpu = f"{watch.trials_cpu_seconds:.1f} s in {watch.trials_seconds:.0f} s"
    private = f"of it shared with nobody: {watch.peak_private_mb:.0f} MB"
    return [
        Figure("supervisor's peak memory, 8 trials", _one(watch.peak_mb["supervisor"]), unit="MB", goal=350),
        Figure("supervisor's share of one core, 8 trials", _one(share), unit="%", goal=5, beside=cpu),
        Figure("forkserver's peak memory", _one(watch.peak_mb["forkserver"]), unit="MB"),
        Figure("largest trial's peak memory", _one(watch.peak_mb["trial"]), unit="MB", beside=private),
        Figure("peak memory of a bare fit of the largest trial", spread(bare), unit="MB"),
    ]


def _long_study(folder: Path, space: Path, *, trials: int) -> list[Figure]:
    settings = {"space": space, "data": "digits", "trials": trials, "epochs": 1, "batch-size": 256}
    run, watch = _watched(folder / "long", settings | {"pruner": "none"})
    share = 100 * watch.trials_cpu_seconds / watch.trials_seconds
    cpu = f"{watch.trials_cpu_seconds:.1f} s in {watch.trials_seconds:.0f} s"
    figures = [
        Figure(
            f"supervisor's peak memory, {trials} tiny trials", _one(watch.peak_mb["supervisor"]), unit="MB"
        ),
        Figure(f"supervisor's share of one core, {trials} tiny trials", _one(share), unit="%", beside=cpu),
        Figure("seconds per tiny trial in a study", _one(run.trials / trials), unit="s"),
    ]
    for role in ("supervisor", "forkserver"):
        early, late = (_memory_at(watch, number, role) for number in (_EARLY_TRIAL, trials))
        beside = f"{early:.0f} MB, then {late:.0f} MB"
        name = f"{role}'s memory at trial {trials} / at trial {_EARLY_TRIAL}"
        figures.append(Figure(name, _one(late / early), goal=1.05, beside=beside))
    return figures


def _watched(folder: Path, settings: dict[str, Any]) -> tuple[StudyRun, Watch]:
    seen: list[Watch] = []

    def watch(process: Any) -> None:
        seen.append(watch_study(process, num_started=lambda: len(list(folder.glob("studies/*/trials/*")))))

    run = run_study_command(folder, settings, watch=watch)
    return run, seen[0]


def _memory_at(watch: Watch, number: int, role: str) -> float:
    """The memory of the first look at which so many trials had been started."""
    return watch.at_trial[min(seen for seen in watch.at_trial if seen >= number)][role]


def _one(value: float) -> Spread:
    return spread([value])


if __name__ == "__main__":
    main()
