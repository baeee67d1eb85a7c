"""The state of the random generators of a process, beside those that are variables of the model.

Keras draws the order of the samples from NumPy on JAX and from torch on torch, and a search space may draw
from any of them.
"""

import random
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np


def random_state() -> dict[str, Any]:
    """What `restore_random_state` takes; JSON data."""
    version, numbers, gauss = random.getstate()
    kind, key, *rest = np.random.get_state(legacy=True)
    state: dict[str, Any] = {
        "python": [version, list(numbers), gauss],
        "numpy": [kind, np.asarray(key).tolist(), *rest],
    }
    if keras.config.backend() == "torch":
        import torch

        state["torch"] = torch.get_rng_state().tolist()
        if torch.cuda.is_available():
            state["cuda"] = [one.tolist() for one in torch.cuda.get_rng_state_all()]
    return state


def restore_random_state(state: Mapping[str, Any]) -> None:
    """Goes on with the numbers that followed when the state was taken."""
    version, numbers, gauss = state["python"]
    random.setstate((version, tuple(numbers), gauss))
    kind, key, *rest = state["numpy"]
    np.random.set_state((kind, np.array(key, dtype=np.uint32), *rest))
    if "torch" in state:
        import torch

        torch.set_rng_state(torch.tensor(state["torch"], dtype=torch.uint8))
        if "cuda" in state and torch.cuda.device_count() == len(state["cuda"]):
            torch.cuda.set_rng_state_all([torch.tensor(one, dtype=torch.uint8) for one in state["cuda"]])
