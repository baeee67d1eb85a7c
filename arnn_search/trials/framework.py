"""What is set in a process before its first tensor: seeds, threads, determinism, precision."""

import keras

from arnn_search.trials.task import TrialTask


def prepare_framework(task: TrialTask, *, threads: int | None) -> None:
    """Makes a fresh process ready to train.

    Args:
        task: the trial to come.
        threads: CPU threads to use; None leaves them as they are (in a process that already runs tensors).
    """
    keras.utils.set_random_seed(task.seed)
    keras.config.set_dtype_policy(task.precision)
    backend = keras.config.backend()
    if backend == "tensorflow":
        _prepare_tensorflow(task, threads)
    elif backend == "torch" and threads:
        import torch

        torch.set_num_threads(threads)


def _prepare_tensorflow(task: TrialTask, threads: int | None) -> None:
    import tensorflow as tf

    if threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    if task.deterministic:
        tf.config.experimental.enable_op_determinism()
    if threads:  # a fresh process: no device is initialised yet
        for device in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(device, True)
