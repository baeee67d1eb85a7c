"""What this machine offers a study: backends that load, devices that they see, packages that are missing."""

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import psutil

from arnn_search.execution.backends import BACKENDS
from arnn_search.execution.devices import num_cores, visible_gpus

_SECONDS_TO_LOAD = 180
_WITH_GPU = {
    "tensorflow": "pip install 'tensorflow[and-cuda]'",
    "jax": "pip install -U 'jax[cuda12]'",
    "torch": "pip install torch (a build for the installed CUDA driver)",
}
_OPTIONAL = {
    "ray": ("--executor ray", "arnn-search[ray]"),
    "psycopg": ("--storage postgresql://...", "arnn-search[postgresql]"),
    "optunahub": ("--sampler optunahub:...", "arnn-search[optunahub]"),
    "cmaes": ("--sampler cmaes", "arnn-search[cmaes]"),
    "onnxruntime": ("export to ONNX", "arnn-search[onnx]"),
    "tf2onnx": ("export to ONNX", "arnn-search[onnx]"),
}
_NEEDED = ("arnn-search", "keras", "keras-tuner", "optuna", "mlflow", "numpy")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        topic: `"backends"`, `"devices"`, `"packages"` or `"stores"`.
        name: what was looked at.
        state: `"ok"`, `"missing"` (something that is not needed for everything) or `"broken"`.
        detail: what was found.
        remedy: the command that helps; empty if nothing is amiss.
    """

    topic: str
    name: str
    state: str
    detail: str
    remedy: str = ""


def examine_machine(*, backend: str) -> list[Finding]:
    """Looks at backends, devices and packages; takes as long as the slowest backend needs to load.

    Args:
        backend: the one that studies would use.
    """
    with ThreadPoolExecutor(len(BACKENDS)) as threads:
        backends = list(threads.map(lambda name: _backend(name, is_chosen=name == backend), BACKENDS))
    return [*backends, *_devices(), *_packages()]


def _backend(name: str, *, is_chosen: bool) -> Finding:
    chosen = ", which studies use here" if is_chosen else ""
    if find_spec(name) is None:
        state = "broken" if is_chosen else "missing"
        package = "arnn-search" if name == "tensorflow" else f"arnn-search[{name}]"
        return Finding("backends", name, state, f"not installed{chosen}", f"pip install '{package}'")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "arnn_search.execution.check_backend", name],
            capture_output=True,
            text=True,
            timeout=_SECONDS_TO_LOAD,
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        )
        found = json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        return _unusable(name, f"did not load within {_SECONDS_TO_LOAD} s", is_chosen)
    except (IndexError, ValueError):
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        return _unusable(name, f"does not load: {last[:300]}", is_chosen)
    gpus = visible_gpus()
    sees = f"{found['version']}, sees {found['gpus']} GPUs{chosen}"
    if gpus and not found["gpus"]:
        return Finding("backends", name, "missing", f"{sees}, though there are {len(gpus)}", _WITH_GPU[name])
    return Finding("backends", name, "ok", sees)


def _unusable(name: str, detail: str, is_chosen: bool) -> Finding:
    remedy = f"pip install --force-reinstall {name}"
    return Finding("backends", name, "broken" if is_chosen else "missing", detail, remedy)


def _devices() -> list[Finding]:
    memory = psutil.virtual_memory()
    cpu = f"{num_cores()} cores, {memory.available >> 30} of {memory.total >> 30} GB free"
    findings = [Finding("devices", "cpu", "ok", cpu)]
    gpus = visible_gpus()
    findings += [Finding("devices", f"gpu:{gpu.identifier}", "ok", str(gpu)) for gpu in gpus]
    if not gpus:
        hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
        if shutil.which("nvidia-smi") is None:
            detail = "none: there is no nvidia-smi, which NVIDIA's driver brings"
        elif hidden is not None:
            detail = f"none that CUDA_VISIBLE_DEVICES={hidden!r} lets through"
        else:
            detail = "none: nvidia-smi lists none"
        findings.append(Finding("devices", "gpu", "ok", detail))
    return findings


def _packages() -> list[Finding]:
    findings = [Finding("packages", "python", "ok", f"{sys.version.split()[0]} ({sys.executable})")]
    for name in _NEEDED:
        found = _version(name)
        if name == "arnn-search" and not found:  # a checkout that is run as it is
            found = f"not installed; from {Path(__file__).parents[1]}"
        state = "ok" if found else "broken"
        findings.append(Finding("packages", name, state, found or "not installed", "" if found else _RESTORE))
    for name, (purpose, extra) in _OPTIONAL.items():
        if found := _version(name):
            findings.append(Finding("packages", name, "ok", f"{found}, for {purpose}"))
        else:
            remedy = f"pip install '{extra}'"
            findings.append(Finding("packages", name, "missing", f"needed for {purpose}", remedy))
    return findings


_RESTORE = "pip install arnn-search"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
