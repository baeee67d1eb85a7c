"""Loads one backend and says, as JSON, what it is and which GPUs it sees: `python -m ... tensorflow`.

In a process of its own, since a backend that is broken may well take its process along.
"""

import json
import sys
from importlib import import_module


def main(name: str) -> None:
    """Prints the backend's version and the number of GPUs that it can use."""
    backend = import_module(name)
    if name == "tensorflow":
        gpus = len(backend.config.list_physical_devices("GPU"))
    elif name == "jax":
        gpus = sum(device.platform == "gpu" for device in backend.devices())
    else:
        gpus = backend.cuda.device_count()
    print(json.dumps({"version": backend.__version__, "gpus": gpus}))


if __name__ == "__main__":
    main(sys.argv[1])
