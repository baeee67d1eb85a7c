"""Opening an exported file in a clean process, by its own runtime, where this project cannot be imported."""

import inspect
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arnn_search.errors import ExportError
from arnn_search.export.formats.format import ExportFormat

# The source of the format's opener stands between the two, and is all that the process knows of it.
_BEFORE = """from __future__ import annotations
import json, sys, time
path, inputs, outputs, stock = sys.argv[1:]
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "arnn_search":
            raise ImportError("the exported model needs arnn_search")
if stock == "1":
    sys.meta_path.insert(0, Refuse())
else:
    import arnn_search.layers
import numpy as np
"""
_AFTER = """
opened = {opener}(path)
said = {{"parameters": 0, "milliseconds": 0.0}}
if inputs:
    x = np.load(inputs)
    np.save(outputs, opened(x))
    seconds = []
    for _ in range(11):
        start = time.perf_counter()
        opened(x[:1])
        seconds.append(time.perf_counter() - start)
    said["milliseconds"] = 1000 * float(np.median(seconds))
else:
    said["parameters"] = int(opened)
assert stock != "1" or "arnn_search" not in sys.modules
print(json.dumps(said))
"""


@dataclass(frozen=True)
class Opened:
    """What a clean process found.

    Attributes:
        num_parameters: of a format without weights; 0 for others.
        milliseconds: median time for one sample, called from Python; 0 for a format without weights.
    """

    num_parameters: int
    milliseconds: float


def open_in_clean_process(
    entry: ExportFormat,
    path: Path,
    *,
    inputs: Path | None,
    outputs: Path | None,
    stock: bool,
    backend: str | None,
) -> Opened:
    """Opens a file in a new interpreter and runs it on inputs.

    Args:
        entry: the file's format.
        path: the file.
        inputs: a `.npy` file of samples; None for a format without weights.
        outputs: where the process writes what it computed.
        stock: whether the process must do without this project.
        backend: Keras' backend; None for the default.

    Raises:
        ExportError: the file does not open or run there; with the last line of what Python said.
    """
    opener = entry.opener
    program = f"{_BEFORE}\n{inspect.getsource(opener)}\n{_AFTER.format(opener=opener.__name__)}"
    command = [sys.executable, "-c", program, path, inputs or "", outputs or "", int(stock)]
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        env=_environment(backend),
        check=False,
    )
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        raise ExportError(
            f"The exported {entry.name} model does not work in a clean process: "
            f"{said[-1] if said else 'no message'}"
        )
    found: Mapping[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return Opened(found["parameters"], found["milliseconds"])


def _environment(backend: str | None) -> dict[str, str]:
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    # Quiet, and nothing left beside the files that were written.
    environment |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONWARNINGS": "ignore"}
    if backend is not None:
        environment["KERAS_BACKEND"] = backend
    return environment
