"""What keeping the state of a running trial costs, as a share of the time that it trains.

`python -m benchmarks.checkpoints` runs trials as they are, in this process, and takes the time between the
end of an epoch and its report that goes into the checkpoint: deciding, copying from the device, writing, and
waiting for the disk.
"""

import argparse
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.measurement import Figure, pin_threads, publish, spread

_GOAL = 3
_NETWORKS: dict[str, tuple[str, int, Mapping[str, Any]]] = {
    "dense-stack, 60 epochs": ("dense-stack", 60, {"units": 64, "depth": 3}),
    "conv-classifier, 30 epochs": ("conv-classifier", 30, {"width": 16, "blocks": 2}),
    "conv-classifier, 64 wide, 10 epochs": ("conv-classifier", 10, {"width": 64, "blocks": 2}),
}


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    pin_threads(1)
    from arnn_search.data import prepare

    figures = []
    with tempfile.TemporaryDirectory() as folder:
        data = prepare("digits", cache_directory=Path(folder) / "data")
        for name, (space, epochs, values) in _NETWORKS.items():
            runs = [
                _run(Path(tempfile.mkdtemp(dir=folder)), data.directory, space, epochs, values)
                for _ in range(arguments.rounds)
            ]
            written, size, each, epoch = runs[0][1:]
            beside = (
                f"{written} of {epochs} epochs have one, {size / 1e6:.2f} MB, {each * 1000:.0f} ms each; "
            )
            beside += f"an epoch takes {epoch * 1000:.0f} ms"
            shares = spread([run[0] for run in runs])
            figures.append(Figure(f"share of the time, {name}", shares, unit="%", goal=_GOAL, beside=beside))
    publish("checkpoints", figures, settings=vars(arguments) | {"data": "digits", "batch_size": 32})


def _run(
    directory: Path, data: Path, space: str, epochs: int, values: Mapping[str, Any]
) -> tuple[float, int, int, float, float]:
    """The share in percent; and checkpoints, bytes and seconds of each, and seconds of an epoch."""
    from arnn_search.spaces.discovery import find_space
    from arnn_search.trials import checkpointing
    from arnn_search.trials.run import run_trial
    from arnn_search.trials.task import TrialTask

    spent: list[float] = []
    original = checkpointing.Checkpointing.epoch_ended

    def timed(*arguments: Any, **keywords: Any) -> None:
        started = time.perf_counter()
        original(*arguments, **keywords)
        spent.append(time.perf_counter() - started)

    task = TrialTask(
        number=0,
        seed=1,
        space=find_space(space).path,
        data=data,
        directory=directory,
        epochs=epochs,
        batch_size=32,
        metric="val_accuracy",
        direction="maximize",
    )
    channel = _Channel(values)
    checkpointing.Checkpointing.epoch_ended = timed  # type: ignore[method-assign]
    try:
        outcome = run_trial(task, channel)  # type: ignore[arg-type]
    finally:
        checkpointing.Checkpointing.epoch_ended = original  # type: ignore[method-assign]
    if outcome.state != "completed":
        raise RuntimeError(f"{outcome.reason}: {outcome.message}\n{outcome.traceback}")
    # The first epoch is mostly TensorFlow's tracing: what comes after it is what is trained.
    first, last = channel.seconds[0], channel.seconds[-1]
    share = 100 * sum(spent[1:]) / (last - first)
    each = sum(spent) / max(1, len(channel.sizes))
    size = max(channel.sizes, default=0)
    return share, len(channel.sizes), size, each, (last - first) / (epochs - 1)


class _Channel:
    """Answers with the given values, or the defaults."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self.seconds: list[float] = []
        self.sizes: list[int] = []

    def suggest(self, parameter: Any) -> Any:
        return self._values.get(parameter.name, parameter.default)

    def built(self, built: Any) -> Any:
        from arnn_search.trials.channel import Verdict

        return Verdict()

    def competed(self, report: Any) -> bool:
        """Nothing competes."""
        return False

    def probed(self, metrics: Mapping[str, float]) -> None:
        """Nothing is vetoed."""

    def raced(self, report: Any) -> None:
        """Nothing is stopped."""

    def report(self, report: Any) -> None:
        self.seconds.append(report.seconds)

    def checkpoint(self, path: Path, epoch: int) -> None:
        self.sizes.append(path.stat().st_size)

    def event(self, name: str, details: Mapping[str, Any]) -> None:
        """None of them matters here."""


if __name__ == "__main__":
    main()
