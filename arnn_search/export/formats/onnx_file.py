"""ONNX: for onnxruntime, and for the many runtimes and accelerators that read it."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from arnn_search.export.formats.constants import input_signature, without_captures
from arnn_search.export.formats.format import ExportFormat
from arnn_search.export.network import ExportedNetwork

_OPSET = 18
_KEY = "preprocess"


def open_onnx_file(path: str) -> Any:
    import numpy as np
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (source,) = session.get_inputs()

    def predict(x: Any) -> Any:
        parts = (x[start : start + 256] for start in range(0, len(x), 256))
        return np.concatenate([session.run(["outputs"], {source.name: part})[0] for part in parts])

    return predict


class OnnxFile(ExportFormat):
    """An `.onnx` file. Its metadata hold `preprocess.json`, and the class names as `class_names`."""

    name = "onnx"
    file_name = "model.onnx"
    suffix = ".onnx"
    summary = "onnxruntime and whatever else reads ONNX"
    runtime = "onnxruntime"
    packages = ("onnx", "onnxruntime", "tf2onnx")
    extra = "onnx"
    needs_tensorflow = True

    def write(self, network: ExportedNetwork, path: Path) -> None:
        import onnx
        import tensorflow as tf
        import tf2onnx

        model = without_captures(network.model)
        signature = [input_signature(model)]

        @tf.function(input_signature=signature)  # type: ignore[untyped-decorator]
        def serve(inputs: Any) -> dict[str, Any]:
            return {"outputs": model(inputs, training=False)}

        proto, _ = tf2onnx.convert.from_function(serve, signature, opset=_OPSET)
        for value in (*proto.graph.input, *proto.graph.output):
            value.type.tensor_type.shape.dim[0].dim_param = "samples"
        preprocess = json.dumps(network.preprocess)
        metadata = {_KEY: preprocess, "class_names": json.dumps(network.class_names)}
        onnx.helper.set_model_props(proto, metadata)
        onnx.save(proto, str(path))

    @property
    def opener(self) -> Callable[[str], Any]:
        return open_onnx_file

    def read_preprocess(self, path: Path) -> Mapping[str, Any] | None:
        import onnxruntime

        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        stored = session.get_modelmeta().custom_metadata_map.get(_KEY)
        return None if stored is None else dict(json.loads(stored))

    def how_to_load(self, path: str) -> str:
        return (
            f"import onnxruntime\n\nsession = onnxruntime.InferenceSession({path!r})\n"
            '(outputs,) = session.run(["outputs"], {"inputs": x})'
        )
