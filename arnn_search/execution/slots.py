"""How the devices of a machine are shared out in slots, and why so."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import psutil

from arnn_search.errors import ConfigurationError
from arnn_search.execution import devices
from arnn_search.execution.devices import Gpu
from arnn_search.trials.placement import Placement

_GIGABYTE = 1 << 30
_MEMORY_PER_CPU_SLOT = 2 * _GIGABYTE
_MOST_CPU_SLOTS = 8


@dataclass(frozen=True)
class Slot:
    """A place where one trial at a time can run.

    Attributes:
        name: for people, for example `"gpu:0"`, `"gpu:0+1"` or `"cpu:1"`.
        device: `"gpu"` or `"cpu"`.
        threads: CPU threads of the trial.
        environment: what a process of this slot finds in its environment.
        gpus: how many GPUs it has; a fraction where several slots share one.
    """

    name: str
    device: str
    threads: int
    environment: Mapping[str, str] = field(default_factory=dict)
    gpus: float = 0


@dataclass(frozen=True)
class DeviceRequest:
    """What a study is told about devices.

    Attributes:
        devices: `"auto"` (every GPU, or the CPU if there is none), `"cpu"`, or indices as `"0,2"`, `"0-3"`.
        workers: the number of slots at most, at least 1; None leaves it open. Without `slots_per_device`,
            more workers than GPUs share the GPUs in turn.
        slots_per_device: trials at a time on each GPU (or group of GPUs), or on the CPU; None leaves it open.
        gpu_memory: `"growth"`, or the share of a GPU's memory that a trial may take, in (0, 1].
        gpus_per_trial: GPUs over which one trial spreads its batches. With `devices="cpu"` so many virtual
            devices of the CPU, which is slower than one, but shows whether it works.
    """

    devices: str = "auto"
    workers: int | None = None
    slots_per_device: int | None = None
    gpu_memory: str = "growth"
    gpus_per_trial: int = 1

    @property
    def memory_share(self) -> float | None:
        """The share of a GPU's memory that a trial may take; None where it grows."""
        return None if self.gpu_memory == "growth" else float(self.gpu_memory)


@dataclass(frozen=True)
class SlotPlan:
    """The slots, and what led to them.

    Attributes:
        slots: at least one.
        reasons: sentences, for people.
    """

    slots: tuple[Slot, ...]
    reasons: tuple[str, ...]


def plan_slots(request: DeviceRequest) -> SlotPlan:
    """Shares out this machine: slots on GPUs, or CPU slots that divide the cores among them.

    Raises:
        ConfigurationError: a device that does not exist, or a number below 1.
    """
    check_request(request)
    gpus, reasons = _chosen_gpus(request)
    return _gpu_plan(request, gpus, reasons) if gpus else _cpu_plan(request, reasons)


def check_request(request: DeviceRequest) -> None:
    """Refuses what no machine could give.

    Raises:
        ConfigurationError: a number below 1, more memory than there is, or devices that cannot be read.
    """
    for name in ("workers", "slots_per_device", "gpus_per_trial"):
        number = getattr(request, name)
        if number is not None and number < 1:
            raise ConfigurationError(f"`{name}` must be at least 1. Received: {number}.")
    if request.devices not in ("auto", "cpu"):
        _parse_indices(request.devices)
    share, slots = request.memory_share, request.slots_per_device or 1
    if share is not None and share * slots > 1:
        raise ConfigurationError(
            f"{slots} slots of {share:g} of a GPU's memory each are more than a GPU has. Give `gpu_memory` "
            f"at most {1 / slots:.2g}, or 'growth'."
        )


def cpu_slot(name: str, threads: int, *, replicas: int = 1) -> Slot:
    """A slot of CPU threads, from which every GPU is hidden."""
    hidden = {"CUDA_VISIBLE_DEVICES": "-1"}
    return Slot(name, "cpu", threads, hidden | _threads(threads) | Placement("cpu", replicas).environment())


def gpu_environment(threads: int, placement: Placement) -> dict[str, str]:
    """The environment of a process that trains on GPUs, whichever they are."""
    return _threads(threads) | placement.environment()


def _gpu_plan(request: DeviceRequest, gpus: list[Gpu], reasons: list[str]) -> SlotPlan:
    size, cores = request.gpus_per_trial, devices.num_cores()
    groups = [gpus[first : first + size] for first in range(0, len(gpus) - size + 1, size)]
    if not groups:
        raise ConfigurationError(
            f"`gpus_per_trial` is {size}, but only {len(gpus)} can be used here: {', '.join(map(str, gpus))}."
        )
    if size > 1:
        reasons.append(f"Each trial spreads its batches over {size} GPUs.")
    if left := gpus[len(groups) * size :]:
        reasons.append(f"Left over, since a trial takes {size}: GPU {', '.join(map(str, left))}.")
    count = len(groups) * (request.slots_per_device or 1)
    if request.slots_per_device is not None:
        reasons.append(f"{request.slots_per_device} on each, as slots_per_device says.")
        count = min(count, request.workers or count)
    elif request.workers is not None:
        count = request.workers
        if count > len(groups):
            reasons.append(f"{count} workers share them in turn.")
    if request.workers is not None and request.workers == count:
        reasons.append(f"{count} in all, as workers says.")
    sharing = -(-count // len(groups))
    if request.memory_share is not None and request.memory_share * sharing > 1:
        raise ConfigurationError(
            f"{sharing} slots share a GPU, which cannot give each {request.memory_share:g} of its memory. "
            f"Give `gpu_memory` at most {1 / sharing:.2g}, or 'growth'."
        )
    threads = max(1, cores // count)
    reasons.append(f"{cores} CPU cores shared by {count}: {_each(threads)}.")
    reasons.append(
        "GPU memory grows as a trial needs it."
        if request.memory_share is None
        else f"A trial may take {request.memory_share:.0%} of a GPU's memory."
    )
    slots = tuple(
        _gpu_slot(groups[index % len(groups)], index, sharing, threads, request.memory_share)
        for index in range(count)
    )
    return SlotPlan(slots, tuple(reasons))


def _cpu_plan(request: DeviceRequest, reasons: list[str]) -> SlotPlan:
    cores, replicas = devices.num_cores(), request.gpus_per_trial
    if replicas > 1 and request.devices != "cpu":
        raise ConfigurationError(
            f"`gpus_per_trial` is {replicas}, but this machine has no GPU. `--devices cpu` tries it on "
            "virtual devices of the CPU."
        )
    asked = min(filter(None, (request.workers, request.slots_per_device)), default=None)
    if asked is not None:
        count = asked
        reasons.append(f"{count} at a time, as was asked for.")
    else:
        free = psutil.virtual_memory().available
        bounds = {
            f"{cores} CPU cores": max(1, cores // replicas),
            f"never more than {_MOST_CPU_SLOTS}": _MOST_CPU_SLOTS,
            f"{free / _GIGABYTE:.0f} GB of free memory, 2 GB for each": max(1, free // _MEMORY_PER_CPU_SLOT),
        }
        why, count = min(bounds.items(), key=lambda bound: bound[1])
        reasons.append(f"{count} at a time: {why}.")
    threads = max(1, cores // count)
    reasons.append(f"{cores} CPU cores shared by {count}: {_each(threads)}.")
    if replicas > 1:
        reasons.append(f"Each trial spreads its batches over {replicas} virtual devices of the CPU.")
    return SlotPlan(
        tuple(cpu_slot(f"cpu:{index}", threads, replicas=replicas) for index in range(count)), tuple(reasons)
    )


def _chosen_gpus(request: DeviceRequest) -> tuple[list[Gpu], list[str]]:
    if request.devices == "cpu":
        return [], ["On the CPU, as devices says."]
    available = devices.visible_gpus()
    if request.devices == "auto":
        if available:
            return available, [f"Every GPU that can be seen: {', '.join(map(str, available))}."]
        return [], ["No NVIDIA GPU can be seen: on the CPU."]
    by_identifier = {gpu.identifier: gpu for gpu in available}
    chosen = _parse_indices(request.devices)
    missing = [index for index in chosen if index not in by_identifier]
    if missing:
        names = ", ".join(by_identifier)
        there = f"GPUs {names}" if available else "no GPU, only the CPU (--devices cpu)"
        raise ConfigurationError(
            f"`devices` names GPU {', '.join(missing)}, which does not exist here. This machine has {there}."
        )
    gpus = [by_identifier[index] for index in chosen]
    return gpus, [f"The GPUs that devices names: {', '.join(map(str, gpus))}."]


def _parse_indices(text: str) -> list[str]:
    chosen: list[str] = []
    for part in text.replace(" ", "").split(","):
        first, dash, last = part.partition("-")
        if not first.isdigit() or (dash and not (last.isdigit() and int(last) >= int(first))):
            raise ConfigurationError(
                f"`devices` must be 'auto', 'cpu', or GPU indices as '0,2' or '0-3'. Received: {text!r}."
            )
        chosen += [str(index) for index in range(int(first), int(last or first) + 1)]
    return list(dict.fromkeys(chosen))


def _gpu_slot(group: list[Gpu], index: int, sharing: int, threads: int, share: float | None) -> Slot:
    identifiers = [gpu.identifier for gpu in group]
    name = f"gpu:{'+'.join(identifiers)}" + (f"/{index}" if sharing > 1 else "")
    memory = min(gpu.memory_mb for gpu in group)
    placement = Placement(
        "gpu",
        len(group),
        memory_share=share,
        memory_limit_mb=int(share * memory) if share and memory else None,
    )
    # Indices are those of nvidia-smi, which counts by PCI; CUDA itself would count by speed.
    visible = {"CUDA_VISIBLE_DEVICES": ",".join(identifiers), "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    return Slot(name, "gpu", threads, visible | gpu_environment(threads, placement), len(group) / sharing)


def _each(threads: int) -> str:
    return "1 thread each" if threads == 1 else f"{threads} threads each"


def _threads(threads: int) -> dict[str, str]:
    """The environment variables that hold every backend to a number of CPU threads."""
    return {
        "OMP_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "TF_NUM_INTRAOP_THREADS": str(threads),
        "TF_NUM_INTEROP_THREADS": str(threads),
        "NPROC": str(threads),  # read by XLA's CPU client
    }
