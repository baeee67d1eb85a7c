"""What following the gradients of every layer in every step costs.

`python -m benchmarks.telemetry` times training steps with `GradientTelemetry` on and off, in turn, on one CPU
thread: on the poster's network with batches of 128, and on networks so small that a step is mostly the
framework's own work, with batches of 32. The reading at the end of an epoch is timed on its own.
"""

import argparse
import time
from typing import TYPE_CHECKING, Any

from benchmarks.measurement import Figure, interleave, pin_threads, publish, ratio, spread

if TYPE_CHECKING:
    import keras

_GOAL = 1.03


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--steps", type=int, default=4, help="per round, poster's network")
    parser.add_argument("--small-steps", type=int, default=64, help="per round, small networks")
    arguments = parser.parse_args()
    pin_threads(1)

    from benchmarks import poster_net

    figures = []
    poster = poster_net.batch()
    for name, make in {
        "poster's network, classic": lambda: poster_net.classic(bn=False),
        "poster's network, AR padded": lambda: poster_net.auto_rotating(bn=False),
        "poster's network, AR padded and BN": lambda: poster_net.auto_rotating(bn=True),
    }.items():
        figures += _compare(name, make, poster, rounds=arguments.rounds, steps=arguments.steps)
    for name, make, batch in (
        ("small convolutions on 8x8, batch 32", _small_convolutions, _random_batch((8, 8, 1))),
        ("two dense layers, batch 32", _small_dense, _random_batch((30,))),
    ):
        figures += _compare(name, make, batch, rounds=arguments.rounds, steps=arguments.small_steps)
    settings = {key: value for key, value in vars(arguments).items()}
    publish("telemetry", figures, settings=settings)


def _compare(name: str, make: Any, batch: tuple[Any, ...], *, rounds: int, steps: int) -> list[Figure]:
    from arnn_search.health import GradientTelemetry
    from benchmarks.training_steps import repeated, training_step

    models = {"off": make(), "off, again": make(), "on": make()}
    telemetry = GradientTelemetry(models["on"])
    # Steps that Keras runs in one call, as a trial does: little else is left beside the step itself.
    for model in models.values():
        model.steps_per_execution = steps
    runs = {key: repeated(training_step(model, batch), 1) for key, model in models.items()}
    seconds = interleave(runs, rounds=rounds, warm_up=3)
    readings = []
    for _ in range(20):
        started = time.perf_counter()
        telemetry.read()
        readings.append((time.perf_counter() - started) * 1000)
    step = spread(seconds["off"]).median / steps * 1000
    reading = f"off: {step:.2f} ms a step; a reading: {spread(readings).median:.1f} ms"
    return [
        Figure(f"{name}: off, again", ratio(seconds, "off, again", "off")),
        Figure(f"{name}: on", ratio(seconds, "on", "off"), goal=_GOAL, beside=reading),
    ]


def _small_convolutions() -> "keras.Model":
    import keras

    inputs = x = keras.Input((8, 8, 1))
    for filters in (8, 16):
        x = keras.layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = keras.layers.MaxPooling2D(2)(x)
    return _classifier(inputs, keras.layers.Flatten()(x))


def _small_dense() -> "keras.Model":
    import keras

    inputs = x = keras.Input((30,))
    for _ in range(2):
        x = keras.layers.Dense(32, activation="tanh")(x)
    return _classifier(inputs, x)


def _classifier(inputs: Any, x: Any) -> "keras.Model":
    import keras

    model = keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(x))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def _random_batch(shape: tuple[int, ...], *, size: int = 32) -> tuple[Any, Any]:
    import numpy as np

    generator = np.random.default_rng(0)
    return generator.random((size, *shape), dtype="float32"), generator.integers(0, 10, size)


if __name__ == "__main__":
    main()
