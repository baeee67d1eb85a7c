"""What a study's configuration says about devices, and whether its trials can use them."""

from collections.abc import Sequence

from arnn_search.errors import ConfigurationError
from arnn_search.execution import DeviceRequest, Executor, LocalExecutor, Slot
from arnn_search.execution.backends import chosen_backend
from arnn_search.execution.slots import check_request
from arnn_search.studies.config import StudyConfig


def device_request(config: StudyConfig) -> DeviceRequest:
    """The configuration's keys about devices.

    Raises:
        ConfigurationError: they ask for what no machine could give, or for what Keras cannot do.
    """
    request = DeviceRequest(
        devices=config.devices,
        workers=config.workers,
        slots_per_device=config.slots_per_device,
        gpu_memory=config.gpu_memory,
        gpus_per_trial=config.gpus_per_trial,
    )
    check_request(request)
    replicas = config.gpus_per_trial
    if replicas > 1 and chosen_backend(config.backend) == "torch":
        raise ConfigurationError(
            "On torch one trial trains on one device, since Keras' `fit` has no data parallelism there. "
            "Leave `gpus_per_trial` away (every GPU has its own trials), or use --backend tensorflow or jax."
        )
    if config.batch_size % replicas:
        raise ConfigurationError(
            f"A batch of {config.batch_size} cannot be spread over {replicas} devices in equal parts. Give a "
            f"`batch_size` that is a multiple of {replicas}."
        )
    return request


def check_backend_sees(slots: Sequence[Slot], executor: Executor) -> None:
    """Makes sure that GPUs are not only there, but can be used; else trials would train on the CPU unnoticed.

    Raises:
        ConfigurationError: the backend's installed build has no GPU support, or does not fit the driver.
    """
    if slots[0].device != "gpu" or not isinstance(executor, LocalExecutor):
        return
    problem = executor.call("arnn_search.trials.framework:missing_gpu", dict(slots[0].environment))
    if problem:
        raise ConfigurationError(problem)
