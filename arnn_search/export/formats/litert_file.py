"""LiteRT (TensorFlow Lite): for phones and small devices."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from arnn_search.export.formats.archive import add_preprocess, read_preprocess
from arnn_search.export.formats.format import ExportFormat
from arnn_search.export.formats.saved_model import SavedModel
from arnn_search.export.network import ExportedNetwork


def open_litert_file(path: str) -> Any:
    import warnings

    import numpy as np

    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        import tensorflow as tf

        Interpreter = tf.lite.Interpreter
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        interpreter = Interpreter(model_path=path)
    run = interpreter.get_signature_runner()

    def predict(x: Any) -> Any:
        outputs = []
        for start in range(0, len(x), 256):
            part = np.ascontiguousarray(x[start : start + 256])
            outputs.append(run(inputs=part)["outputs"])
        return np.concatenate(outputs)

    return predict


class LitertFile(ExportFormat):
    """A `.tflite` file in float32. It carries `preprocess.json` in a zip archive at its end.

    That is where LiteRT's own metadata keeps files that belong to a model; interpreters pass over it.
    """

    name = "litert"
    file_name = "model.tflite"
    suffix = ".tflite"
    summary = "LiteRT (TensorFlow Lite) on phones and small devices"
    runtime = "tensorflow"
    needs_tensorflow = True

    def write(self, network: ExportedNetwork, path: Path) -> None:
        import tensorflow as tf

        with tempfile.TemporaryDirectory(prefix="arnn-search-") as folder:
            # By way of a SavedModel: converting a function loses the weights of Keras' variables.
            saved = Path(folder) / "saved_model"
            SavedModel(with_class_names=False).write(network, saved)
            content = tf.lite.TFLiteConverter.from_saved_model(str(saved)).convert()
        path.write_bytes(content)
        add_preprocess(path, network.preprocess)

    @property
    def opener(self) -> Callable[[str], Any]:
        return open_litert_file

    def read_preprocess(self, path: Path) -> Mapping[str, Any] | None:
        return read_preprocess(path)

    def how_to_load(self, path: str) -> str:
        return (
            "from ai_edge_litert.interpreter import Interpreter  # or: tf.lite.Interpreter\n\n"
            f"interpreter = Interpreter(model_path={path!r})\n"
            'outputs = interpreter.get_signature_runner()(inputs=x)["outputs"]'
        )
