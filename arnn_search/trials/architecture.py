"""The identity of an architecture: what it is, whatever its layers happen to be called."""

import json
from hashlib import sha256
from typing import Any

import keras


def architecture_hash(model: keras.Model) -> str:
    """A hash of the network and of how it is trained, equal for equal architectures.

    Layer names are replaced by their position, so that building the same network twice in a process, which
    numbers the names on, gives the same hash. Optimizer, learning rate and loss count.

    Returns:
        16 hexadecimal digits of a SHA-256.
    """
    description = {
        "model": model.get_config(),
        "optimizer": keras.optimizers.serialize(model.optimizer) if model.optimizer else None,
        "loss": _described(model.loss),
    }
    positions: dict[str, str] = {}
    canonical = _canonical(description, positions)
    return sha256(json.dumps(canonical, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _described(loss: Any) -> Any:
    """A loss, without the addresses that `repr` would put in."""
    try:
        return keras.saving.serialize_keras_object(loss)
    except (TypeError, ValueError):  # something of the user's own that Keras cannot write down
        return [type(one).__qualname__ for one in (loss if isinstance(loss, (list, tuple)) else [loss])]


def _canonical(value: Any, positions: dict[str, str]) -> Any:
    if isinstance(value, dict):
        if isinstance(value.get("name"), str):
            positions.setdefault(value["name"], f"#{len(positions)}")
        return {key: _canonical(item, positions) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_canonical(item, positions) for item in value]
    if isinstance(value, str):
        return positions.get(value, value)
    return value
