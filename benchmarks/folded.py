"""What is left of the Auto-Rotation in an exported network: nothing but its weights.

`python -m benchmarks.folded` times inference of the poster's network, folded, against the same network that
never had the rotation, in onnxruntime, in turn, on one CPU thread. `benchmarks.layers` does so in Keras.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measurement import Figure, interleave, pin_threads, publish, ratio, spread

_GOAL = 1.02


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--steps", type=int, default=8, help="per round and network")
    arguments = parser.parse_args()
    pin_threads(1)

    figures = []
    for bn in (False, True):
        figures += _of_network(bn, rounds=arguments.rounds, steps=arguments.steps)
    settings = {"rounds": arguments.rounds, "steps_per_round": arguments.steps}
    publish("folded", figures, settings=settings)


def _of_network(bn: bool, *, rounds: int, steps: int) -> list[Figure]:
    from arnn_search import layers
    from benchmarks import poster_net

    images, _ = poster_net.batch()
    models = {"stock": poster_net.classic(bn=bn), "stock, again": poster_net.classic(bn=bn)}
    for boundary in ("interior", "padded"):
        models[f"folded, {boundary}"] = layers.fold(poster_net.auto_rotating(bn=bn, boundary=boundary))
    runs = {name: _in_onnxruntime(model, images, steps) for name, model in models.items()}
    seconds = interleave(runs, rounds=rounds, warm_up=3)
    return [
        Figure(
            f"onnxruntime, {'BN' if bn else 'no BN'}: {name}",
            ratio(seconds, name, "stock"),
            goal=_GOAL if name.startswith("folded") else None,
            beside=f"{spread(seconds[name]).median / steps * 1000:.2f} ms",
        )
        for name in models
        if name != "stock"
    ]


def _in_onnxruntime(model: Any, images: Any, steps: int) -> Callable[[], None]:
    import onnxruntime

    from arnn_search.export.formats.onnx_file import OnnxFile
    from arnn_search.export.network import ExportedNetwork

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        preprocess = {"data": {"class_names": ()}}
        network = ExportedNetwork(
            model, source=model, folded=True, is_raw=False, preprocess=preprocess, origin={}
        )
        OnnxFile().write(network, path)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def run() -> None:
        for _ in range(steps):
            session.run(None, {name: images})

    return run


if __name__ == "__main__":
    main()
