"""Which devices this machine has. No framework is loaded to find out."""

import os
import shutil
import subprocess
from dataclasses import dataclass


@dataclass(frozen=True)
class Gpu:
    """An NVIDIA GPU that this process may use.

    Attributes:
        identifier: as `CUDA_VISIBLE_DEVICES` takes it: an index in PCI order, or a UUID.
        name: the product's.
        memory_mb: its memory in MiB; 0 if unknown.
    """

    identifier: str
    name: str = "GPU"
    memory_mb: int = 0

    def __str__(self) -> str:
        memory = f", {self.memory_mb / 1024:.0f} GB" if self.memory_mb else ""
        return f"{self.identifier} ({self.name}{memory})"


def num_cores() -> int:
    """The CPU cores that this process may use, affinity and container limits respected."""
    from joblib import cpu_count

    return max(1, int(cpu_count()))


def visible_gpus() -> list[Gpu]:
    """The NVIDIA GPUs that this process may use: those of the machine, as far as `CUDA_VISIBLE_DEVICES` goes.

    Like CUDA, the first entry of that variable that stands for no GPU ends the list.
    """
    listed = _listed_gpus()
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if allowed is None:
        return [gpu for gpu, _ in listed]
    chosen: list[Gpu] = []
    for entry in filter(None, allowed.replace(" ", "").split(",")):
        found = [gpu for gpu, uuid in listed if entry == gpu.identifier or uuid.startswith(entry)]
        if entry.startswith("MIG-"):  # a part of a GPU; listed nowhere
            chosen.append(Gpu(entry, "part of a GPU"))
        elif found:
            chosen.append(Gpu(entry, found[0].name, found[0].memory_mb))
        else:
            break
    return chosen


def _listed_gpus() -> list[tuple[Gpu, str]]:
    """The machine's GPUs by index, each with its UUID."""
    command = shutil.which("nvidia-smi")
    if command is None:
        return []
    query = [command, "--query-gpu=index,name,memory.total,uuid", "--format=csv,noheader,nounits"]
    try:
        lines = subprocess.run(
            query, capture_output=True, text=True, timeout=30, check=True
        ).stdout.splitlines()
    except (subprocess.SubprocessError, OSError):
        return []
    found = []
    for line in lines:
        index, name, memory, uuid = (part.strip() for part in line.split(","))
        found.append((Gpu(index, name, int(memory) if memory.isdigit() else 0), uuid))
    return found
