"""Which devices there are, and how they are shared out in slots. No framework is loaded to find out."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field

import psutil

from arnn_search.errors import ConfigurationError

_GIGABYTE = 1 << 30
_MEMORY_PER_CPU_SLOT = 2 * _GIGABYTE
_MOST_CPU_SLOTS = 8


@dataclass(frozen=True)
class Slot:
    """A place where one trial at a time can run.

    Attributes:
        name: for people, for example `"gpu:0"` or `"cpu:1"`.
        device: `"gpu"` or `"cpu"`.
        threads: CPU threads of the trial.
        environment: what a process of this slot finds in its environment.
    """

    name: str
    device: str
    threads: int
    environment: Mapping[str, str] = field(default_factory=dict)


def plan_slots(devices: str = "auto", *, workers: int | None = None) -> list[Slot]:
    """Shares out the machine: one slot per GPU, or CPU slots that divide the cores among them.

    Args:
        devices: `"auto"` (every GPU, or the CPU if there is none), `"cpu"`, or GPU indices as `"0,2"`,
            `"0-3"`.
        workers: the number of slots, at least 1; None: one per GPU, or as many CPU slots as there are cores
            (at most 8, and one for each 2 GB of free memory). More workers than GPUs share the GPUs in turn.

    Raises:
        ConfigurationError: a device that does not exist, or a number of workers below 1.
    """
    if workers is not None and workers < 1:
        raise ConfigurationError(f"`workers` must be at least 1. Received: {workers}.")
    gpus = _chosen_gpus(devices)
    cores = num_cores()
    if gpus:
        count = workers or len(gpus)
        threads = max(1, cores // count)
        return [
            _gpu_slot(gpus[index % len(gpus)], index, count > len(gpus), threads) for index in range(count)
        ]
    if workers is None:
        memory_slots = max(1, psutil.virtual_memory().available // _MEMORY_PER_CPU_SLOT)
        workers = max(1, min(cores, _MOST_CPU_SLOTS, memory_slots))
    threads = max(1, cores // workers)
    return [cpu_slot(f"cpu:{index}", threads) for index in range(workers)]


def cpu_slot(name: str, threads: int) -> Slot:
    """A slot of CPU threads, from which every GPU is hidden."""
    return Slot(name, "cpu", threads, {"CUDA_VISIBLE_DEVICES": "-1"} | _thread_environment(threads))


def num_cores() -> int:
    """The CPU cores that this process may use, affinity and container limits respected."""
    from joblib import cpu_count

    return max(1, int(cpu_count()))


def visible_gpus() -> list[str]:
    """The indices of the NVIDIA GPUs that this process may use, as `CUDA_VISIBLE_DEVICES` takes them."""
    command = shutil.which("nvidia-smi")
    if command is None:
        return []
    query = [command, "--query-gpu=index", "--format=csv,noheader"]
    try:
        listed = subprocess.run(query, capture_output=True, text=True, timeout=30, check=True).stdout.split()
    except (subprocess.SubprocessError, OSError):
        return []
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if allowed is None:
        return listed
    return [index for index in allowed.replace(" ", "").split(",") if index in listed]


def _chosen_gpus(devices: str) -> list[str]:
    if devices == "cpu":
        return []
    available = visible_gpus()
    if devices == "auto":
        return available
    chosen = _parse_indices(devices)
    missing = [index for index in chosen if index not in available]
    if missing:
        there = f"GPUs {', '.join(available)}" if available else "no GPU, only the CPU (--devices cpu)"
        raise ConfigurationError(
            f"`devices` names GPU {', '.join(missing)}, which does not exist here. This machine has {there}."
        )
    return chosen


def _parse_indices(devices: str) -> list[str]:
    chosen: list[str] = []
    for part in devices.replace(" ", "").split(","):
        first, dash, last = part.partition("-")
        if not first.isdigit() or (dash and not last.isdigit()):
            raise ConfigurationError(
                f"`devices` must be 'auto', 'cpu', or GPU indices as '0,2' or '0-3'. Received: {devices!r}."
            )
        chosen += [str(index) for index in range(int(first), int(last or first) + 1)]
    return list(dict.fromkeys(chosen))


def _gpu_slot(gpu: str, index: int, shared: bool, threads: int) -> Slot:
    name = f"gpu:{gpu}/{index}" if shared else f"gpu:{gpu}"
    return Slot(name, "gpu", threads, {"CUDA_VISIBLE_DEVICES": gpu} | _thread_environment(threads))


def _thread_environment(threads: int) -> dict[str, str]:
    """The environment variables that hold every backend to a number of CPU threads."""
    return {
        "OMP_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "TF_NUM_INTRAOP_THREADS": str(threads),
        "TF_NUM_INTEROP_THREADS": str(threads),
        "NPROC": str(threads),  # read by XLA's CPU client
    }
