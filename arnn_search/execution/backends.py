"""Which backend Keras will take, found out without loading it."""

import json
import os
from pathlib import Path

BACKENDS = ("tensorflow", "jax", "torch")


def chosen_backend(asked: str | None = None) -> str:
    """The backend that is asked for, or else that of `KERAS_BACKEND`, of Keras' own file, or its default."""
    if asked or os.environ.get("KERAS_BACKEND"):
        return asked or os.environ["KERAS_BACKEND"]
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    try:
        return str(json.loads((home / "keras.json").read_text())["backend"])
    except (OSError, ValueError, KeyError, TypeError):
        return BACKENDS[0]
