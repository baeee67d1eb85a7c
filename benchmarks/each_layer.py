"""What the Auto-Rotation costs in each layer, on each backend.

`python -m benchmarks.each_layer --backend tensorflow` times compiled training steps of one auto-rotating
layer against its stock layer, and compiled inference of the folded one, in turn, on one CPU thread or on a
GPU; then the same of the poster's network. Beside them stands the published way, which evaluates f twice; it
had no recurrent layers. Small layers show the fixed cost of a few operations on the weights; these are of a
practical size. Keras does not compile torch's steps.
"""

import argparse
import os
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from benchmarks.measurement import Figure, as_table, interleave, pin_threads, publish, ratio, spread

_BATCH = 64
_GOALS = {"interior": 1.05, "padded": 1.10, "dense": 1.05, "recurrent": 1.05}
_FOLDED_GOAL = 1.02
_PREDICTIONS_PER_STEP = 2
# Layer, what it takes, shape of a sample; channels are many enough for the products to dominate.
_LAYERS: tuple[tuple[str, dict[str, Any], tuple[int, ...]], ...] = (
    ("Dense", {"units": 512}, (512,)),
    ("EinsumDense", {"equation": "abc,cd->abd", "output_shape": (16, 128), "bias_axes": "d"}, (16, 128)),
    ("Conv1D", {"filters": 64, "kernel_size": 5, "padding": "same"}, (128, 64)),
    ("Conv2D", {"filters": 32, "kernel_size": 3, "padding": "same"}, (28, 28, 32)),
    ("Conv3D", {"filters": 16, "kernel_size": 3, "padding": "same"}, (12, 12, 12, 16)),
    ("Conv1DTranspose", {"filters": 64, "kernel_size": 4, "strides": 2, "padding": "same"}, (64, 64)),
    ("Conv2DTranspose", {"filters": 32, "kernel_size": 4, "strides": 2, "padding": "same"}, (14, 14, 32)),
    ("Conv3DTranspose", {"filters": 8, "kernel_size": 4, "strides": 2, "padding": "same"}, (6, 6, 6, 16)),
    ("DepthwiseConv1D", {"kernel_size": 5, "padding": "same"}, (128, 64)),
    ("DepthwiseConv2D", {"kernel_size": 3, "padding": "same"}, (28, 28, 32)),
    ("SeparableConv1D", {"filters": 64, "kernel_size": 5, "padding": "same"}, (128, 64)),
    ("SeparableConv2D", {"filters": 32, "kernel_size": 3, "padding": "same"}, (28, 28, 32)),
    ("SimpleRNN", {"units": 64}, (32, 32)),
    ("LSTM", {"units": 64}, (32, 32)),
    ("GRU", {"units": 64}, (32, 32)),
)


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", choices=("tensorflow", "jax", "torch"), default="tensorflow")
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--steps", type=int, default=4, help="per round")
    names = [name for name, _, _ in _LAYERS]
    parser.add_argument("--layers", nargs="+", choices=names, help="these alone; nothing is written")
    arguments = parser.parse_args()
    os.environ["KERAS_BACKEND"] = arguments.backend
    if arguments.device == "cpu":
        pin_threads(1)

    figures = []
    for name, settings, shape in _LAYERS:
        if name not in (arguments.layers or names):
            continue
        figures += _of_layer(name, settings, shape, rounds=arguments.rounds, steps=arguments.steps)
    if arguments.layers:
        Console().print(as_table("each_layer", figures))
        return
    for bn in (False, True):
        figures += _of_poster_net(bn, rounds=arguments.rounds, steps=arguments.steps)
    publish(
        f"each_layer_{arguments.backend}_{arguments.device}",
        figures,
        settings={"rounds": arguments.rounds, "steps_per_round": arguments.steps, "batch": _BATCH},
    )


def _of_layer(
    name: str, settings: Mapping[str, Any], shape: tuple[int, ...], *, rounds: int, steps: int
) -> list[Figure]:
    import keras

    from arnn_search import layers
    from benchmarks.published_rotation import published

    stock, rotating = getattr(keras.layers, name), getattr(layers, f"AutoRot{name}")
    models = {"stock": _model(stock, settings, shape), "stock, again": _model(stock, settings, shape)}
    boundaries = _boundaries(name)
    for boundary in boundaries:
        own = {"boundary": boundary} if "Conv" in name else {}
        models[boundary] = _model(rotating, dict(settings) | own | {"value_range": (0.0, 1.0)}, shape)
    if boundaries != ("recurrent",):
        models["the published way"] = _model(published(stock), settings, shape)
    return _timed(name, models, shape, boundaries, rounds=rounds, steps=steps)


def _of_poster_net(bn: bool, *, rounds: int, steps: int) -> list[Figure]:
    from benchmarks import poster_net

    models = {"stock": poster_net.classic(bn=bn), "stock, again": poster_net.classic(bn=bn)}
    for boundary in ("interior", "padded"):
        models[boundary] = poster_net.auto_rotating(bn=bn, boundary=boundary)
    models["the published way"] = poster_net.rotated_as_published(bn=bn)
    name = f"the poster's network, {'BN' if bn else 'no BN'}"
    return _timed(name, models, poster_net.INPUT_SHAPE, ("interior", "padded"), rounds=rounds, steps=steps)


def _boundaries(name: str) -> tuple[str, ...]:
    if "Conv" in name:
        return "interior", "padded"
    return ("dense",) if "Dense" in name else ("recurrent",)


def _timed(
    name: str,
    models: dict[str, Any],
    shape: tuple[int, ...],
    boundaries: tuple[str, ...],
    *,
    rounds: int,
    steps: int,
) -> list[Figure]:
    from arnn_search import layers

    training = {label: _training(model, shape, steps) for label, model in models.items()}
    seconds = interleave(training, rounds=rounds, warm_up=3)
    figures = [
        _figure(f"{name}: training step, {label}", seconds, label, steps, _GOALS.get(label))
        for label in models
        if label != "stock"
    ]
    folded = {"stock": models["stock"], "stock, again": models["stock, again"]}
    folded |= {f"folded {label}": layers.fold(models[label]) for label in boundaries}
    inference = {label: _inference(model, shape, steps) for label, model in folded.items()}
    seconds = interleave(inference, rounds=rounds, warm_up=3)
    return figures + [
        _figure(
            f"{name}: inference, {label}",
            seconds,
            label,
            _PREDICTIONS_PER_STEP * steps,
            _FOLDED_GOAL if label.startswith("folded") else None,
        )
        for label in folded
        if label != "stock"
    ]


def _figure(
    title: str, seconds: Mapping[str, list[float]], label: str, steps: int, goal: float | None
) -> Figure:
    milliseconds = spread(seconds[label]).median / steps * 1000
    return Figure(title, ratio(seconds, label, "stock"), goal=goal, beside=f"{milliseconds:.2f} ms")


def _model(layer: Any, settings: Mapping[str, Any], shape: tuple[int, ...]) -> Any:
    import keras

    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input(shape), layer(activation="tanh", **settings)])
    model.compile("sgd", "mse")
    return model


def _training(model: Any, shape: tuple[int, ...], steps: int) -> Any:
    import numpy as np

    generator = np.random.default_rng(0)
    inputs = generator.random((_BATCH, *shape), dtype="float32")
    if model.loss == "mse":
        targets = generator.random((_BATCH, *model.output_shape[1:]), dtype="float32")
    else:
        targets = generator.integers(0, model.output_shape[-1], _BATCH)

    def run() -> None:
        for _ in range(steps):
            model.train_on_batch(inputs, targets)

    return run


def _inference(model: Any, shape: tuple[int, ...], steps: int) -> Any:
    import numpy as np

    inputs = np.random.default_rng(0).random((_BATCH, *shape), dtype="float32")

    def run() -> None:
        for _ in range(_PREDICTIONS_PER_STEP * steps):
            model.predict_on_batch(inputs)

    return run


if __name__ == "__main__":
    main()
