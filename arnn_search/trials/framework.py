"""What is set in a process before its first tensor: seeds, threads, devices, determinism, precision."""

import os
from collections.abc import Mapping
from typing import Any

import keras

from arnn_search.trials.placement import Placement
from arnn_search.trials.task import TrialTask


def prepare_framework(task: TrialTask, *, threads: int | None) -> None:
    """Makes a fresh process ready to train.

    Args:
        task: the trial to come.
        threads: CPU threads to use; None leaves them as they are (in a process that already runs tensors).
    """
    if threads is None:
        forget_models(task)
    keras.utils.set_random_seed(task.seed)
    keras.config.set_dtype_policy(task.precision)
    backend = keras.config.backend()
    if backend == "tensorflow":
        _prepare_tensorflow(task, threads)
    elif backend == "torch" and threads:
        _prepare_torch(threads, Placement.of_this_process())


def forget_models(task: TrialTask) -> None:
    """Makes layers be named as in a process that has built no model yet, so that a trial finds the same names
    whenever it is run.
    """
    keras.utils.clear_session()
    keras.config.set_dtype_policy(task.precision)


def missing_gpu(environment: Mapping[str, str]) -> str:
    """Why the backend cannot use the GPUs of a slot; empty if it can. For a process of its own."""
    os.environ.update(environment)
    backend = keras.config.backend()
    wanted = Placement.of_this_process().replicas
    try:
        seen = _visible_gpus(backend)
    except (RuntimeError, AssertionError) as error:  # AssertionError: torch's, of a build without CUDA
        problem = f"cannot use it: {error}".rstrip(".")
    else:
        if seen >= wanted:
            return ""
        problem = f"sees {seen} of {wanted}"
    return (
        f"GPU {os.environ.get('CUDA_VISIBLE_DEVICES')} is there, but {backend} {problem}. "
        "`arnn-search doctor` says what is missing; --devices cpu trains without."
    )


def _visible_gpus(backend: str) -> int:
    if backend == "tensorflow":
        import tensorflow as tf

        return len(tf.config.list_physical_devices("GPU"))
    if backend == "torch":
        import torch

        torch.cuda.init()  # counting them says only what the driver lists
        return int(torch.cuda.device_count())
    return len(keras.distribution.list_devices("gpu"))


def _prepare_tensorflow(task: TrialTask, threads: int | None) -> None:
    import tensorflow as tf

    if task.deterministic:
        tf.config.experimental.enable_op_determinism()
    if threads:  # a fresh process: no device is initialised yet
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
        _divide_devices(tf, Placement.of_this_process())


def _divide_devices(tf: Any, placement: Placement) -> None:
    logical = tf.config.LogicalDeviceConfiguration
    for gpu in tf.config.list_physical_devices("GPU"):
        if placement.memory_limit_mb is None:
            tf.config.experimental.set_memory_growth(gpu, True)
        else:
            limit = logical(memory_limit=placement.memory_limit_mb)
            tf.config.set_logical_device_configuration(gpu, [limit])
    if placement.device == "cpu" and placement.replicas > 1:
        (cpu,) = tf.config.list_physical_devices("CPU")
        tf.config.set_logical_device_configuration(cpu, [logical()] * placement.replicas)


def _prepare_torch(threads: int, placement: Placement) -> None:
    import torch

    torch.set_num_threads(threads)
    if placement.memory_share is not None:
        for index in range(torch.cuda.device_count()):
            torch.cuda.set_per_process_memory_fraction(placement.memory_share, index)
