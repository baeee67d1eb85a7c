"""Loading an exported file in a clean process, which for a folded model has never seen this project."""

import json
import os
import subprocess
import sys
from pathlib import Path

from arnn_search.data import open_prepared
from arnn_search.errors import ExportError

# Runs with Keras and NumPy only. A finder that refuses arnn_search makes sure of it.
_EVALUATE = """
import json, sys
model, inputs, targets, batch_size, stock = sys.argv[1:]
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "arnn_search":
            raise ImportError("the exported model needs arnn_search")
if stock == "1":
    sys.meta_path.insert(0, Refuse())
else:
    import arnn_search.layers
import keras
import numpy as np
loaded = keras.saving.load_model(model)
x, y = np.load(inputs, mmap_mode="r"), np.load(targets, mmap_mode="r")
print(json.dumps(loaded.evaluate(x, y, batch_size=int(batch_size), verbose=0, return_dict=True)))
"""


def evaluate_in_clean_process(
    model: Path, data: Path, *, batch_size: int, backend: str | None, stock: bool
) -> dict[str, float]:
    """Evaluates a `.keras` file on the validation part in a new interpreter.

    Args:
        model: the file.
        data: the folder of the prepared data.
        batch_size: samples per step.
        backend: Keras' backend; None for the default.
        stock: whether the process must do without this project.

    Returns:
        Loss and metrics by name.

    Raises:
        ExportError: the file does not load or run there; with the last line of what Python said.
    """
    inputs, targets = (Path(str(part.filename)) for part in open_prepared(data).validation())  # type: ignore[attr-defined]
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    if backend is not None:
        environment["KERAS_BACKEND"] = backend
    command = [sys.executable, "-c", _EVALUATE, model, inputs, targets, batch_size, int(stock)]
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, env=environment, check=False
    )
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        raise ExportError(
            f"The exported model does not work in a clean process: {said[-1] if said else 'no message'}"
        )
    scores: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return scores
