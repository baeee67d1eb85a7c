"""Keras' own file: stock layers, compiled, ready to be trained on."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from arnn_search.export.formats.archive import add_preprocess, read_preprocess
from arnn_search.export.formats.format import ExportFormat
from arnn_search.export.network import ExportedNetwork


def open_keras_file(path: str) -> Any:
    import keras

    model = keras.saving.load_model(path)
    return lambda x: model.predict(x, batch_size=256, verbose=0)


class KerasFile(ExportFormat):
    """A `.keras` file. It carries `preprocess.json` as one more member of its zip archive."""

    name = "keras"
    file_name = "model.keras"
    suffix = ".keras"
    summary = "Keras 3, any backend; trains on"
    runtime = "keras"

    def write(self, network: ExportedNetwork, path: Path) -> None:
        network.model.save(path)
        add_preprocess(path, network.preprocess)

    @property
    def opener(self) -> Callable[[str], Any]:
        return open_keras_file

    def read_preprocess(self, path: Path) -> Mapping[str, Any] | None:
        return read_preprocess(path)

    def how_to_load(self, path: str) -> str:
        return f"import keras\n\nmodel = keras.saving.load_model({path!r})\noutputs = model.predict(x)"
