"""The network as Python to read and change: plain Keras, one statement per layer, weights beside it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from arnn_search.export.formats.format import ExportFormat
from arnn_search.export.network import ExportedNetwork
from arnn_search.export.source.layout import flat, lay_out, literal
from arnn_search.export.source.program import program_of

_TEMPLATE = '''"""{title}

Needs Keras alone. `load()` gives the trained network, `build()` the same with new weights.
{inputs}
"""

from pathlib import Path

import keras

{class_names}WEIGHTS = Path(__file__).with_suffix(".weights.h5")


def build():
    """The network with new weights: (samples, {input_shape}) to (samples, {output_shape})."""
{statements}


def load(weights=WEIGHTS):
    """The network with the weights of its best epoch."""
    model = build()
    model.load_weights(weights)
    return model


if __name__ == "__main__":
    load().summary()
'''


def open_python_module(path: str) -> Any:
    import runpy

    model = runpy.run_path(path)["load"]()
    return lambda x: model.predict(x, batch_size=256, verbose=0)


class PythonModule(ExportFormat):
    """`model.py` and `model.weights.h5`."""

    name = "python"
    file_name = "model.py"
    other_files = ("model.weights.h5",)
    summary = "a Python module that builds the network layer by layer"
    runtime = "keras"
    needs_stock_layers = True

    def write(self, network: ExportedNetwork, path: Path) -> None:
        model = network.model
        program = program_of(model)
        path.write_text(_text(network, program.statements), encoding="utf-8")
        namespace: dict[str, Any] = {"__file__": str(path), "__name__": path.stem}
        exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), namespace)
        built = namespace["build"]()
        for name, layer in program.layers:
            built.get_layer(name).set_weights(layer.get_weights())
        built.save_weights(path.with_suffix(".weights.h5"))

    @property
    def opener(self) -> Callable[[str], Any]:
        return open_python_module

    def read_preprocess(self, path: Path) -> Mapping[str, Any] | None:
        return None

    def how_to_load(self, path: str) -> str:
        return "from model import load  # model.py and model.weights.h5\n\noutputs = load().predict(x)"

    def matches(self, path: Path) -> bool:
        return path.suffix == ".py" and path.with_suffix(".weights.h5").is_file()


def _text(network: ExportedNetwork, statements: list[str]) -> str:
    origin, model = network.origin, network.model
    names = ""
    if network.class_names:
        names = lay_out(literal(network.class_names), before="CLASS_NAMES = ") + "\n"
    raw, scaled = "Inputs are as the data hold them.", "Inputs are scaled as preprocess.json says."
    return _TEMPLATE.format(
        title=f"The network of trial {origin['trial']} of the study {origin['study']}.",
        inputs=raw if network.is_raw else scaled,
        class_names=names,
        input_shape=flat(literal(list(model.input_shape[1:])))[1:-1],
        output_shape=flat(literal(list(model.output_shape[1:])))[1:-1],
        statements="\n".join(statements),
    )
