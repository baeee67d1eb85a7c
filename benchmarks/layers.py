"""What the Auto-Rotation costs in a training step, and what is left of that after folding.

`python -m benchmarks.layers` times single training steps of the poster's network with every make of layer, on
one CPU thread, in turn; and single inference steps of the folded network against the stock one.
"""

import argparse
from collections.abc import Mapping

from benchmarks.measurement import Figure, interleave, pin_threads, publish, ratio, spread

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
    from benchmarks.training_steps import repeated, training_step

    batch = poster_net.batch()
    models = {_BASELINE: poster_net.classic(bn=bn), "classic, again": poster_net.classic(bn=bn)}
    for boundary in ("interior", "padded"):
        for reference in ("uniform", "aligned"):
            for learned in (False, True):
                name = f"{boundary}, {reference}, {'learned' if learned else 'fixed'} L"
                models[name] = poster_net.auto_rotating(
                    bn=bn, boundary=boundary, reference_point=reference, learn_limit=learned
                )
    models["published way (padded, uniform, fixed L)"] = poster_net.rotated_as_published(bn=bn)
    runs = {name: repeated(training_step(model, batch), steps) for name, model in models.items()}
    prefix = f"training step, {'BN' if bn else 'no BN'}"
    return _figures(prefix, interleave(runs, rounds=rounds, warm_up=3), steps=steps)


def _inference(bn: bool, *, rounds: int, steps: int) -> list[Figure]:
    from arnn_search import layers
    from benchmarks import poster_net
    from benchmarks.training_steps import inference_step, repeated

    images, _ = poster_net.batch()
    models = {_BASELINE: poster_net.classic(bn=bn), "classic, again": poster_net.classic(bn=bn)}
    for boundary in ("interior", "padded"):
        rotating = poster_net.auto_rotating(bn=bn, boundary=boundary)
        models[f"folded, {boundary}"] = layers.fold(rotating)
        models[f"not folded, {boundary}"] = rotating
    runs = {name: repeated(inference_step(model, images), steps) for name, model in models.items()}
    prefix = f"inference step, {'BN' if bn else 'no BN'}"
    return _figures(prefix, interleave(runs, rounds=rounds, warm_up=3), steps=steps)


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
