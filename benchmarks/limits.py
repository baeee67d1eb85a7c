"""How far a learnable limit moves, and whether that helps.

`python -m benchmarks.limits` trains the deep sigmoid network of the papers (Dense 50, 50, 40, 40, 30) on the
digits that come with scikit-learn, with a limit that is fixed, learned at the network's own rate, or learned
faster, from a good start and from a poor one, over seeds.
"""

import argparse
from typing import Any

from benchmarks.measurement import Figure, pin_threads, publish, spread

_UNITS = (50, 50, 40, 40, 30)
_MODES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("fixed", {}),
    ("learned", {"learn_limit": True}),
    ("learned, 10 times as fast", {"learn_limit": True, "limit_learning_rate_factor": 10.0}),
    ("learned, 100 times as fast", {"learn_limit": True, "limit_learning_rate_factor": 100.0}),
)


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--starts", type=float, nargs="+", default=[4.0, 0.5])
    arguments = parser.parse_args()
    pin_threads(1)

    figures = []
    for start in arguments.starts:
        for mode, limit in _MODES:
            fits = [_fit(start, limit, seed=seed, epochs=arguments.epochs) for seed in range(arguments.seeds)]
            name = f"L from {start:g}, {mode}"
            moved, loss, accuracy = zip(*fits, strict=True)
            if limit:
                figures.append(Figure(f"{name}: the layer that moved most", spread(moved), unit="%"))
            figures.append(Figure(f"{name}: training loss", spread(loss), unit="nats"))
            figures.append(Figure(f"{name}: validation accuracy", spread(accuracy), unit="%"))
    publish("limits", figures, settings={"seeds": arguments.seeds, "epochs": arguments.epochs})


def _fit(start: float, limit: dict[str, Any], *, seed: int, epochs: int) -> tuple[float, float, float]:
    """By how many percent L moved in the layer where it moved most, the loss, and the accuracy."""
    import keras
    import numpy as np
    from sklearn.datasets import load_digits

    from arnn_search import layers

    keras.utils.set_random_seed(seed)
    digits = load_digits()
    x, y = digits.data.astype("float32") / 16, digits.target
    inputs = outputs = layers.Input((64,), value_range=(0.0, 1.0))
    for units in _UNITS:
        outputs = layers.AutoRotDense(units, activation="sigmoid", limit=start, **limit)(outputs)
    model = keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(outputs))
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(
        x[:1437], y[:1437], validation_data=(x[1437:], y[1437:]), batch_size=32, epochs=epochs, verbose=0
    ).history
    rotating = [layer for layer in model.layers if isinstance(layer, layers.AutoRotDense)]
    limits = np.array([float(layer.limit_values()) for layer in rotating])
    moved = 100 * float(np.abs(limits / start - 1).max())
    return moved, history["loss"][-1], 100 * history["val_accuracy"][-1]


if __name__ == "__main__":
    main()
