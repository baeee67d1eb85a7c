"""A trial's training against plain `model.fit`: same small networks, seeds and data, same numbers.

`python -m benchmarks.training` fits networks that the built-in spaces propose, in turn: with `fit` and
nothing else, and as a trial trains, which follows the gradients of every layer, probes saturation and keeps
the best weights. Each fit is whole, with its tracing. It stops if the metrics of any epoch differ in a bit.
"""

import argparse
import gc
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measurement import Figure, interleave, pin_threads, publish, ratio, spread

_GOAL = 1 / 1.3
_BATCH_SIZE = 32


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    pin_threads(arguments.threads)
    import tensorflow as tf

    from arnn_search.data import prepare

    tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
    tf.config.threading.set_inter_op_parallelism_threads(arguments.threads)
    tf.config.experimental.enable_op_determinism()
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        data = prepare("digits", cache_directory=Path(folder))
        for name, values in _NETWORKS.items():
            for epochs in (5, 20):
                figures.append(_compare(name, dict(values), data, epochs=epochs, rounds=arguments.rounds))
    publish("training", figures, settings=vars(arguments) | {"data": "digits", "batch_size": _BATCH_SIZE})


_TRAINED = {"optimizer": "adam", "learning_rate": 1e-3, "dropout": 0.2}
_NETWORKS = {
    "dense-stack, classic": {"family": "classic", "activation": "relu", "units": 64, "depth": 3},
    "dense-stack, AR": {
        "family": "ar",
        "activation": "tanh",
        "units": 64,
        "depth": 3,
        "limit_mode": "learnable",
        "limit_factor": 1.0,
        "reference_point": "uniform",
    },
    "conv-classifier, classic": {
        "family": "classic",
        "activation": "relu",
        "width": 8,
        "kernel_size": 3,
        "pooling": "max",
        "convolutions_per_block": 1,
        "blocks": 2,
        "head": "flatten",
    },
}


def _compare(name: str, values: dict[str, Any], data: Any, *, epochs: int, rounds: int) -> Figure:
    numbers: dict[str, list[Any]] = {"fit": [], "trial": []}
    variants: dict[str, Callable[[], None]] = {
        "fit": lambda: numbers["fit"].append(_fit(name, values, data, epochs)),
        "trial": lambda: numbers["trial"].append(_trial(name, values, data, epochs)),
    }
    seconds = interleave(variants, rounds=rounds)
    for fitted, trained in zip(numbers["fit"], numbers["trial"], strict=True):
        if fitted != trained:
            raise RuntimeError(f"{name}: the numbers differ: {fitted} and {trained}.")
    fit, trial = (spread(seconds[variant]).median for variant in ("fit", "trial"))
    beside = f"{fit:.2f} s and {trial:.2f} s: {fit / trial:.1f} times as fast"
    return Figure(f"{name}, {epochs} epochs", ratio(seconds, "trial", "fit"), goal=_GOAL, beside=beside)


def _build(name: str, values: dict[str, Any], data: Any) -> Any:
    import keras

    from arnn_search import load_space
    from benchmarks.bare_loop import RecordedParameters

    gc.collect()
    keras.utils.clear_session()
    keras.utils.set_random_seed(1)
    space = load_space(name.partition(",")[0])
    return space.build(RecordedParameters(_TRAINED | values), data.spec)  # type: ignore[arg-type]


def _fit(name: str, values: dict[str, Any], data: Any, epochs: int) -> list[dict[str, float]]:
    model = _build(name, values, data)
    history = model.fit(
        *data.train(), validation_data=data.validation(), epochs=epochs, batch_size=_BATCH_SIZE, verbose=0
    ).history
    return [{key: history[key][epoch] for key in sorted(history)} for epoch in range(epochs)]


def _trial(name: str, values: dict[str, Any], data: Any, epochs: int) -> list[dict[str, float]]:
    import numpy as np

    from arnn_search import layers
    from arnn_search.health import GradientTelemetry, SaturationProbe
    from arnn_search.trials.reporter import EpochReporter
    from arnn_search.trials.task import TrialTask
    from arnn_search.trials.training import train

    model = _build(name, values, data)
    channel = _Channel()
    task = TrialTask(
        number=0,
        seed=1,
        space=Path(),
        data=Path(),
        directory=Path(),
        epochs=epochs,
        batch_size=_BATCH_SIZE,
        metric="val_accuracy",
        direction="maximize",
    )
    probe = np.ascontiguousarray(data.validation()[0][:128])
    reporter = EpochReporter(
        task,
        channel,  # type: ignore[arg-type]
        telemetry=GradientTelemetry(model),
        saturation=SaturationProbe(model, probe, dynamic_region=layers.dynamic_region),
        limits=dict,
    )
    train(model, data.train(), data.validation(), epochs=epochs, batch_size=_BATCH_SIZE, callbacks=[reporter])
    names = sorted(("accuracy", "loss", "val_accuracy", "val_loss"))
    return [{key: metrics[key] for key in names} for metrics in channel.reports]


class _Channel:
    def __init__(self) -> None:
        self.reports: list[Any] = []

    def report(self, report: Any) -> None:
        self.reports.append(report.metrics)


if __name__ == "__main__":
    main()
