"""How the GPUs and cores of a Ray cluster are shared out in slots; Ray itself chooses the devices."""

from collections.abc import Mapping

from arnn_search.errors import ConfigurationError
from arnn_search.execution.slots import (
    DeviceRequest,
    Slot,
    SlotPlan,
    check_request,
    cpu_slot,
    gpu_environment,
)
from arnn_search.trials.placement import Placement


def plan_ray_slots(request: DeviceRequest, resources: Mapping[str, float]) -> SlotPlan:
    """One slot per GPU of the cluster (or per group of them), or per CPU core if it has none.

    Args:
        request: what the study is told about devices.
        resources: of the cluster, as `ray.cluster_resources()` gives them.

    Raises:
        ConfigurationError: something that Ray cannot give.
    """
    check_request(request)
    if request.devices not in ("auto", "cpu"):
        raise ConfigurationError(
            "`devices` must be 'auto' or 'cpu' with the Ray executor, which assigns GPUs itself. "
            f"Received: {request.devices!r}."
        )
    gpus, cores = int(resources.get("GPU", 0)), max(1, int(resources.get("CPU", 1)))
    if gpus and request.devices == "auto":
        return _gpu_plan(request, gpus, cores)
    if request.gpus_per_trial > 1 and request.devices != "cpu":
        raise ConfigurationError(f"`gpus_per_trial` is {request.gpus_per_trial}; the Ray cluster has no GPU.")
    count = min(request.workers or cores, request.slots_per_device or cores, cores)
    threads = max(1, cores // count)
    reasons = (
        f"The Ray cluster has {cores} CPU cores and {gpus} GPUs.",
        f"{count} at a time, {threads} cores each.",
    )
    names = (f"ray:cpu:{index}" for index in range(count))
    return SlotPlan(
        tuple(cpu_slot(name, threads, replicas=request.gpus_per_trial) for name in names), reasons
    )


def _gpu_plan(request: DeviceRequest, gpus: int, cores: int) -> SlotPlan:
    size, sharing = request.gpus_per_trial, request.slots_per_device or 1
    if size > 1 and sharing > 1:
        raise ConfigurationError(
            "Ray gives a trial GPUs or a part of one: leave `slots_per_device` or `gpus_per_trial` away."
        )
    if size > gpus:
        raise ConfigurationError(f"`gpus_per_trial` is {size}; the Ray cluster has {gpus} GPUs.")
    count = gpus // size * sharing
    count = min(request.workers or count, count)
    threads = max(1, cores // count)
    # How much memory a node's GPU has is known there; a share of it is enough for JAX and torch.
    placement = Placement("gpu", size, memory_share=request.memory_share)
    reasons = (
        f"The Ray cluster has {gpus} GPUs and {cores} CPU cores.",
        f"{count} at a time, each with {size / sharing:g} GPUs and {threads} cores.",
    )
    slots = (
        Slot(f"ray:gpu:{index}", "gpu", threads, gpu_environment(threads, placement), size / sharing)
        for index in range(count)
    )
    return SlotPlan(tuple(slots), reasons)
