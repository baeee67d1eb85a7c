"""One trial over several devices, with the data parallelism of its backend.

Each step's batch is split among the devices, which hold the same weights, and their gradients are added up:
TensorFlow's `MirroredStrategy`, and Keras' `DataParallel` on JAX. On torch Keras' `fit` has none.
"""

import contextlib
from collections.abc import Iterator

import keras
import numpy as np

from arnn_search.errors import ConfigurationError

Part = tuple[np.ndarray, np.ndarray]


@contextlib.contextmanager
def spread_over(num_devices: int) -> Iterator[None]:
    """Within it models are built, trained and saved over so many of the process' devices.

    Raises:
        ConfigurationError: there are fewer, or the backend is torch.
    """
    if num_devices == 1:
        yield
        return
    backend = keras.config.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        kinds = (tf.config.list_logical_devices(kind) for kind in ("GPU", "CPU"))
        devices = [device.name for device in next(filter(None, kinds))]
        _check(devices, num_devices)
        with tf.distribute.MirroredStrategy(devices[:num_devices]).scope():
            yield
    elif backend == "jax":
        devices = keras.distribution.list_devices()
        _check(devices, num_devices)
        before = keras.distribution.distribution()
        keras.distribution.set_distribution(keras.distribution.DataParallel(devices=devices[:num_devices]))
        try:
            yield
        finally:
            keras.distribution.set_distribution(before)
    else:
        raise ConfigurationError(f"On {backend} a trial trains on one device; Keras' `fit` has no other way.")


def divisible(training: Part, validation: Part, num_devices: int) -> tuple[Part, Part]:
    """The parts, less the few samples (below `num_devices`) that would make a last batch indivisible.

    TensorFlow would weigh the halves of such a batch alike, though one is larger; JAX would refuse it, in the
    validation too.
    """
    training = _cut(training, num_devices)
    return training, _cut(validation, num_devices) if keras.config.backend() == "jax" else validation


def _cut(part: Part, num_devices: int) -> Part:
    kept = len(part[0]) - len(part[0]) % num_devices
    return part[0][:kept], part[1][:kept]


def _check(devices: list[str], num_devices: int) -> None:
    if len(devices) < num_devices:
        raise ConfigurationError(
            f"The trial was to train on {num_devices} devices; {keras.config.backend()} sees "
            f"{', '.join(devices)}. `arnn-search doctor` says what is missing."
        )
