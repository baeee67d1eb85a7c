"""How long a model takes for one sample."""

import time

import keras
import numpy as np

_WARM_UPS = 3
_MEASUREMENTS = 25


def inference_latency_ms(model: keras.Model, sample: np.ndarray) -> float:
    """The median time of a compiled prediction, in milliseconds, on the device and threads of the trial.

    Args:
        model: built.
        sample: of shape `(1, ...)`.
    """
    seconds = []
    for _ in range(_WARM_UPS + _MEASUREMENTS):
        started = time.perf_counter()
        model.predict_on_batch(sample)
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds[_WARM_UPS:]) * 1000)
