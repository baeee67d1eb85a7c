"""TensorFlow's SavedModel: for TensorFlow Serving, and for anything that runs TensorFlow."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from arnn_search.export.formats.constants import input_signature, without_captures
from arnn_search.export.formats.format import ExportFormat
from arnn_search.export.network import ExportedNetwork

_ASSET = Path("assets.extra") / "preprocess.json"


def open_saved_model(path: str) -> Any:
    import numpy as np
    import tensorflow as tf

    loaded = tf.saved_model.load(path)
    serve = loaded.signatures["serving_default"]

    def predict(x: Any) -> Any:
        parts = [serve(inputs=tf.constant(x[start : start + 256])) for start in range(0, len(x), 256)]
        # The module is kept: without it the signature's variables are gone.
        return loaded and np.concatenate([part["outputs"].numpy() for part in parts])

    return predict


class SavedModel(ExportFormat):
    """A SavedModel. Its signature gives `outputs`, and for classes also `class_name`."""

    name = "savedmodel"
    file_name = "saved_model"
    summary = "TensorFlow and TensorFlow Serving; gives class names too"
    runtime = "tensorflow"
    needs_tensorflow = True

    def __init__(self, *, with_class_names: bool = True) -> None:
        self._with_class_names = with_class_names

    def write(self, network: ExportedNetwork, path: Path) -> None:
        import keras
        import tensorflow as tf

        model = without_captures(network.model)
        names = network.class_names if self._with_class_names else ()

        def serve(inputs: Any) -> dict[str, Any]:
            outputs = model(inputs, training=False)
            answer = {"outputs": outputs}
            if names:
                answer["class_name"] = tf.gather(tf.constant(names), tf.argmax(outputs, axis=-1))
            return answer

        archive = keras.export.ExportArchive()
        archive.track(model)
        archive.add_endpoint("serve", serve, input_signature=[input_signature(model)])
        archive.write_out(path, verbose=False)
        (path / _ASSET).parent.mkdir()
        (path / _ASSET).write_text(json.dumps(network.preprocess, indent=1), encoding="utf-8")

    @property
    def opener(self) -> Callable[[str], Any]:
        return open_saved_model

    def read_preprocess(self, path: Path) -> Mapping[str, Any] | None:
        try:
            content: Mapping[str, Any] = json.loads((path / _ASSET).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return content

    def how_to_load(self, path: str) -> str:
        return (
            f"import tensorflow as tf\n\nmodel = tf.saved_model.load({path!r})\n"
            'answer = model.signatures["serving_default"](inputs=tf.constant(x))\n'
            'answer["outputs"]  # and answer["class_name"] for classes'
        )

    def matches(self, path: Path) -> bool:
        return (path / "saved_model.pb").is_file()
