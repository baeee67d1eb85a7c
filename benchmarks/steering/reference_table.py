"""The reference table: random architectures trained to the end, every step and epoch written down.

`python -m benchmarks.steering.reference_table` trains architectures of `poster-cnn` and `conv-classifier`,
drawn with fixed seeds, on a part of Fashion-MNIST. Each is a file of its own, so the work can be stopped and
goes on where it was; `--worker 0/2` and `--worker 1/2` share it among processes, and `--merge` merges what is
there into one Parquet file in `benchmarks/results/steering`. Policies are compared by replay on the table
(`benchmarks.steering.replay`).

The first half of the architectures tunes rules, the second reports; nothing is tuned on the latter.
"""

import argparse
import os
import pickle
import time
from pathlib import Path
from typing import Any

from arnn_search.spaces.parameters import Parameter, Value
from benchmarks.measurement import pin_threads

SPACES = ("poster-cnn", "conv-classifier")
EPOCHS = 9
BATCH_SIZE = 64
TRAINING_SAMPLES = 2048
VALIDATION_SAMPLES = 1000


def main() -> None:
    """Trains what is missing, or merges what is there."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--per-space", type=int, default=300)
    parser.add_argument("--worker", default="0/1", help="this process's number, and how many there are")
    parser.add_argument("--scratch", type=Path, default=Path("steering-table"))
    parser.add_argument("--merge", action="store_true")
    arguments = parser.parse_args()
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    if arguments.merge:
        from benchmarks.steering.table_file import merge

        settings = {
            "spaces": SPACES,
            "epochs": EPOCHS,
            "batch_size": BATCH_SIZE,
            "training_samples": TRAINING_SAMPLES,
            "validation_samples": VALIDATION_SAMPLES,
            "pictures": "Fashion-MNIST, 14x14",
        }
        print(merge(arguments.scratch, settings=settings))
        return
    worker, workers = map(int, arguments.worker.split("/"))
    pin_threads(1)
    _work(arguments.per_space, arguments.scratch, worker=worker, workers=workers)


def affordable(parameter: Parameter, value: Value) -> Value:
    """The widest `conv-classifier` is left out: it alone would take most of the time on two cores."""
    return 8 if parameter.name == "width" and value == 32 else value


def halved_pictures(folder: Path) -> Path:
    """Fashion-MNIST with 14x14 pixels, each the mean of four: a quarter of the work, for two cores."""
    import numpy as np

    from arnn_search.data.named import load_named

    path = folder / "fashion-mnist-14.npz"
    if not path.exists():
        raw = load_named("fashion-mnist")
        halves = [
            np.round(part.reshape(len(part), 14, 2, 14, 2).mean(axis=(2, 4))).astype(np.uint8)
            for part in (raw.x, raw.x_test)
        ]
        unfinished = folder / f"unfinished-{os.getpid()}.npz"
        np.savez(unfinished, x=halves[0], y=raw.y, x_test=halves[1], y_test=raw.y_test)
        unfinished.rename(path)
    return path


def _work(per_space: int, scratch: Path, *, worker: int, workers: int) -> None:
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    from arnn_search.data import prepare
    from arnn_search.spaces.space import load_space
    from benchmarks.steering.one_training import build, train_one

    data = prepare(
        str(halved_pictures(scratch)),
        validation=VALIDATION_SAMPLES / 60_000,
        max_train_samples=TRAINING_SAMPLES,
        cache_directory=scratch / "data",
    )
    spaces = {name: load_space(name) for name in SPACES}
    for number in range(per_space * len(SPACES)):
        if number % workers != worker:
            continue
        name = SPACES[(number // 2) % len(SPACES)]
        path = scratch / f"{number:04d}.pickle"
        if path.exists():
            continue
        started = time.time()
        model, parameters, seconds = build(spaces[name], data, number, choose=affordable)
        row: dict[str, Any] = train_one(model, data, epochs=EPOCHS, batch_size=BATCH_SIZE)
        row |= {"number": number, "space": name, "parameters": parameters}
        row["seconds"] |= {"build": seconds, "wall": time.time() - started}
        unfinished = path.with_suffix(".unfinished")
        unfinished.write_bytes(pickle.dumps(row))
        unfinished.rename(path)
        best = max((epoch["val_accuracy"] for epoch in row["epochs"]), default=0.0)
        print(number, name, parameters, f"{best:.3f}", row["seconds"], flush=True)


if __name__ == "__main__":
    main()
