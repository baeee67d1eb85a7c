"""The architecture and its hyperparameters as JSON: to search around, or to train again."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from arnn_search.export.formats.format import ExportFormat
from arnn_search.export.network import ExportedNetwork


def open_config_file(path: str) -> Any:
    import json

    import keras

    with open(path, encoding="utf-8") as file:
        architecture = json.load(file)["architecture"]
    return keras.saving.deserialize_keras_object(architecture).count_params()


class ConfigFile(ExportFormat):
    """`config.json`: the origin of the trial, its hyperparameters, and Keras' configuration of the network.

    `architecture` is the exported network; `searched_architecture` is the one that the trial trained, with
    its auto-rotating layers where it has any, which needs arnn-search to be built.
    """

    name = "config"
    file_name = "config.json"
    summary = "architecture and hyperparameters as JSON, without weights"
    runtime = "keras"
    has_weights = False

    def write(self, network: ExportedNetwork, path: Path) -> None:
        import keras

        content = {
            **network.origin,
            "compilation": network.source.get_compile_config(),
            "architecture": keras.saving.serialize_keras_object(network.model),
            "searched_architecture": keras.saving.serialize_keras_object(network.source),
        }
        content["architecture"].pop("compile_config", None)
        content["searched_architecture"].pop("compile_config", None)
        path.write_text(json.dumps(content, indent=1), encoding="utf-8")

    @property
    def opener(self) -> Callable[[str], Any]:
        return open_config_file

    def read_preprocess(self, path: Path) -> Mapping[str, Any] | None:
        return None

    def how_to_load(self, path: str) -> str:
        return (
            "import json\n\nimport keras\n\n"
            f"architecture = json.load(open({path!r}))['architecture']\n"
            "model = keras.saving.deserialize_keras_object(architecture)  # with new weights"
        )
