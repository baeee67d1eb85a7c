"""The estimate behind `--max-memory` beside the peak that training really takes.

`python -m benchmarks.memory` trains networks in processes of their own, as a trial trains them, and takes by
how much the process' resident memory has grown at its peak, less the data, since a first small training was
through, which loads what a framework loads late. TensorFlow on the CPU, one thread.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from benchmarks.measurement import Figure, pin_threads, publish, spread

_STEPS = 4
_NETWORKS: dict[str, tuple[tuple[int, ...], int, str]] = {
    "dense, 4 layers of 4096": ((512,), 256, "dense"),
    "convolutions, 64x64, 64 channels": ((64, 64, 3), 64, "convolutions"),
    "the same, batch of 16": ((64, 64, 3), 16, "convolutions"),
    "the same with BN and dropout": ((64, 64, 3), 64, "normalized"),
    "the same, auto-rotating": ((64, 64, 3), 64, "rotating"),
    "the poster's network, batch of 512": ((28, 28, 1), 512, "poster"),
    "LSTM of 256, 100 steps": ((100, 64), 128, "recurrent"),
    "attention, 256 tokens, 8 heads": ((256, 64), 32, "attention"),
}


def main() -> None:
    """Runs the benchmark, or, given a network's name, trains that one in this process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--network")
    arguments = parser.parse_args()
    pin_threads(1)
    if arguments.network:
        print(json.dumps(_measure(*_NETWORKS[arguments.network])))
        return
    figures = []
    for name in _NETWORKS:
        runs = [_run(name) for _ in range(arguments.rounds)]
        estimated, peaks = runs[0][0], [peak for _, peak in runs]
        figures.append(
            Figure(
                name,
                spread([estimated / peak for peak in peaks]),
                beside=f"{estimated / 1e6:,.0f} MB estimated, {spread(peaks).median / 1e6:,.0f} MB taken",
            )
        )
    publish("memory", figures, settings={"rounds": arguments.rounds, "steps": _STEPS})


def _run(name: str) -> tuple[int, int]:
    command = [sys.executable, "-m", "benchmarks.memory", "--network", name]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    estimated, peak = json.loads(done.stdout.splitlines()[-1])
    return estimated, peak


def _measure(shape: tuple[int, ...], batch_size: int, kind: str) -> tuple[int, int]:
    """The estimate, and the growth of this process' peak, in bytes."""
    import numpy as np

    from arnn_search.health import GradientTelemetry
    from arnn_search.trials.memory_estimate import training_bytes
    from arnn_search.trials.memory_use import peak_memory_bytes
    from arnn_search.trials.training import train

    def run(build: Callable[[tuple[int, ...]], Any], shape: tuple[int, ...], samples: int) -> tuple[int, int]:
        generator = np.random.default_rng(0)
        inputs = generator.normal(size=(samples, *shape)).astype("float32")
        part = (inputs, generator.integers(0, 10, samples))
        model = build(shape)
        estimated = training_bytes(model, batch_size)
        GradientTelemetry(model)
        model.optimizer.build(model.trainable_variables)
        before = [np.array(weight) for weight in model.get_weights()]  # as those of the best epoch are kept
        train(model, part, part, epochs=2, batch_size=batch_size)
        assert before
        return estimated or 0, 2 * inputs.nbytes  # here, and on the device

    run(_dense(8, 2), (8,), 2 * batch_size)
    base = peak_memory_bytes()
    estimated, data = run(_BUILDERS[kind], shape, _STEPS * batch_size)
    return estimated, peak_memory_bytes() - base - data


def _dense(units: int, depth: int) -> Callable[[tuple[int, ...]], Any]:
    def build(shape: tuple[int, ...]) -> Any:
        import keras

        layers = [keras.layers.Dense(units, activation="tanh") for _ in range(depth)]
        return _compiled(keras.Sequential([keras.Input(shape), *layers]))

    return build


def _convolutions(shape: tuple[int, ...], *, normalized: bool = False, rotating: bool = False) -> Any:
    import keras

    from arnn_search import layers

    convolution = layers.AutoRotConv2D if rotating else keras.layers.Conv2D
    x = inputs = keras.Input(shape)
    for _ in range(4):
        x = convolution(64, 3, padding="same", activation="tanh")(x)
        if normalized:
            x = keras.layers.Dropout(0.2)(keras.layers.BatchNormalization()(x))
    return _compiled(keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x)))


def _recurrent(shape: tuple[int, ...]) -> Any:
    import keras

    return _compiled(keras.Sequential([keras.Input(shape), keras.layers.LSTM(256)]))


def _attention(shape: tuple[int, ...]) -> Any:
    import keras

    x = inputs = keras.Input(shape)
    for _ in range(2):
        x = x + keras.layers.MultiHeadAttention(8, 32)(x, x)
    return _compiled(keras.Model(inputs, keras.layers.GlobalAveragePooling1D()(x)))


def _poster(shape: tuple[int, ...]) -> Any:
    from benchmarks.poster_net import classic

    return classic(bn=True)


def _compiled(body: Any) -> Any:
    import keras

    model = keras.Model(body.inputs, keras.layers.Dense(10, activation="softmax")(body.outputs[0]))
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


_BUILDERS: dict[str, Callable[[tuple[int, ...]], Any]] = {
    "dense": _dense(4096, 4),
    "convolutions": _convolutions,
    "normalized": lambda shape: _convolutions(shape, normalized=True),
    "rotating": lambda shape: _convolutions(shape, rotating=True),
    "poster": _poster,
    "recurrent": _recurrent,
    "attention": _attention,
}


if __name__ == "__main__":
    main()
