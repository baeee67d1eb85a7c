"""What the Auto-Rotation costs in a training step, and what is left of that after folding.

`python -m benchmarks.layers` times single training steps of the poster's network with every make of layer, on
one CPU thread, in turn; and single inference steps of the folded network against the stock one.
"""

import argparse
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from benchmarks.measurement import Figure, interleave, pin_threads, publish, ratio, spread

if TYPE_CHECKING:
    import keras

_GOALS = {"interior": 1.05, "padded": 1.12}
_FOLDED_GOAL = 1.02
_BASELINE = "classic"


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--steps", type=int, default=4, help="per round and network")
    arguments = parser.parse_args()
    pin_threads(1)

    figures = []
    for bn in (False, True):
        figures += _training(bn, rounds=arguments.rounds, steps=arguments.steps)
        figures += _inference(bn, rounds=arguments.rounds, steps=3 * arguments.steps)
    settings = {"rounds": arguments.rounds, "steps_per_round": arguments.steps}
    publish("layers", figures, settings=settings)


def _training(bn: bool, *, rounds: int, steps: int) -> list[Figure]:
    from benchmarks import poster_net

    models = {_BASELINE: poster_net.classic(bn=bn), "classic, again": poster_net.classic(bn=bn)}
    for boundary in ("interior", "padded"):
        for reference in ("uniform", "aligned"):
            for learned in (False, True):
                name = f"{boundary}, {reference}, {'learned' if learned else 'fixed'} L"
                models[name] = poster_net.auto_rotating(
                    bn=bn, boundary=boundary, reference_point=reference, learn_limit=learned
                )
    models["published way (padded, uniform, fixed L)"] = poster_net.published(bn=bn)
    runs = {name: _repeated(training_step(model), steps) for name, model in models.items()}
    prefix = f"training step, {'BN' if bn else 'no BN'}"
    return _figures(prefix, interleave(runs, rounds=rounds, warm_up=3), steps=steps)


def _inference(bn: bool, *, rounds: int, steps: int) -> list[Figure]:
    from arnn_search import layers
    from benchmarks import poster_net

    models = {_BASELINE: poster_net.classic(bn=bn), "classic, again": poster_net.classic(bn=bn)}
    for boundary in ("interior", "padded"):
        rotating = poster_net.auto_rotating(bn=bn, boundary=boundary)
        models[f"folded, {boundary}"] = layers.fold(rotating)
        models[f"not folded, {boundary}"] = rotating
    runs = {name: _repeated(inference_step(model), steps) for name, model in models.items()}
    prefix = f"inference step, {'BN' if bn else 'no BN'}"
    return _figures(prefix, interleave(runs, rounds=rounds, warm_up=3), steps=steps)


def training_step(model: "keras.Model") -> Callable[[], Any]:
    """One compiled training step on the same batch again and again, without what `fit` does around it."""
    import tensorflow as tf

    from benchmarks import poster_net

    iterator = iter(tf.data.Dataset.from_tensors(poster_net.batch()).repeat())
    model.make_train_function()
    return lambda: model.train_function(iterator)


def inference_step(model: "keras.Model") -> Callable[[], Any]:
    """One compiled inference step on the same batch again and again."""
    import tensorflow as tf

    from benchmarks import poster_net

    images = tf.constant(poster_net.batch()[0])
    model.make_predict_function()
    return lambda: model.predict_function([(images,)])


def _repeated(step: Callable[[], Any], steps: int) -> Callable[[], None]:
    def run() -> None:
        for _ in range(steps):
            step()

    return run


def _figures(prefix: str, seconds: Mapping[str, list[float]], *, steps: int) -> list[Figure]:
    figures = []
    for name in seconds:
        if name == _BASELINE:
            continue
        goal = next((goal for boundary, goal in _GOALS.items() if name.startswith(boundary)), None)
        if name.startswith("folded"):
            goal = _FOLDED_GOAL
        milliseconds = spread(seconds[name]).median / steps * 1000
        value = ratio(seconds, name, _BASELINE)
        figures.append(Figure(f"{prefix}: {name}", value, goal=goal, beside=f"{milliseconds:.1f} ms"))
    return figures


if __name__ == "__main__":
    main()
