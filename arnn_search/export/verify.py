"""Opening an exported file in a clean process, by its own runtime, where this project cannot be imported."""

import inspect
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arnn_search.export.formats.format import ExportFormat

# The source of the formats' openers stands between the two, and is all that the process knows of them.
_BEFORE = """from __future__ import annotations
import json, sys, time
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "arnn_search":
            raise ImportError("the exported model needs arnn_search")
stock, jobs = json.loads(sys.argv[1])
if stock:
    sys.meta_path.insert(0, Refuse())
else:
    import arnn_search.layers
import numpy as np
"""
_AFTER = """
def milliseconds(predict, one):
    seconds = []
    for _ in range(11):
        start = time.perf_counter()
        predict(one)
        seconds.append(time.perf_counter() - start)
    return 1000 * float(np.median(seconds))
said = {}
for name, opener, path, inputs, outputs in jobs:
    try:
        opened = globals()[opener](path)
        if inputs:
            x = np.load(inputs)
            np.save(outputs, np.asarray(opened(x)).astype("float32"))
            said[name] = {"milliseconds": milliseconds(opened, x[:1])}
        else:
            said[name] = {"num_parameters": int(opened)}
    except Exception as error:
        said[name] = {"error": " ".join(f"{type(error).__name__}: {error}".split())}
assert not stock or "arnn_search" not in sys.modules
print(json.dumps(said))
"""


@dataclass(frozen=True)
class OpenJob:
    """A file to be opened and run.

    Attributes:
        format: the file's format.
        path: the file.
        inputs: a `.npy` file of samples; None for a format without weights.
        outputs: where the process writes what it computed.
    """

    format: ExportFormat
    path: Path
    inputs: Path | None = None
    outputs: Path | None = None


@dataclass(frozen=True)
class Opened:
    """What a clean process found.

    Attributes:
        num_parameters: of a format without weights; 0 for others.
        milliseconds: median time for one sample, called from Python; 0 for a format without weights.
        error: why it could not be opened or run; empty if it could.
    """

    num_parameters: int = 0
    milliseconds: float = 0.0
    error: str = ""


def open_in_clean_process(jobs: Sequence[OpenJob], *, stock: bool, backend: str | None) -> dict[str, Opened]:
    """Opens files of one runtime in a new interpreter and runs them on inputs.

    Args:
        jobs: the files, of different formats.
        stock: whether the process must do without this project.
        backend: Keras' backend; None for the default.

    Returns:
        What was found, by the format's name.
    """
    openers = [job.format.opener for job in jobs]
    program = "\n".join([_BEFORE, *map(inspect.getsource, openers), _AFTER])
    rows = [
        (job.format.name, opener.__name__, str(job.path), _text(job.inputs), _text(job.outputs))
        for job, opener in zip(jobs, openers, strict=True)
    ]
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps([stock, rows])],
        capture_output=True,
        text=True,
        env=_environment(backend),
        check=False,
    )
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        reason = f"The process ended ({done.returncode}): {said[-1] if said else 'no message'}"
        return {job.format.name: Opened(error=reason) for job in jobs}
    found: Mapping[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return {name: Opened(**values) for name, values in found.items()}


def _text(path: Path | None) -> str:
    return "" if path is None else str(path)


def _environment(backend: str | None) -> dict[str, str]:
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    # Quiet, and nothing left beside the files that were written.
    environment |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONWARNINGS": "ignore"}
    if backend is not None:
        environment["KERAS_BACKEND"] = backend
    return environment
