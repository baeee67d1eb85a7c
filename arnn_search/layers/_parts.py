"""The layers that a stock wrapper or recurrence holds."""

from typing import Any

import keras

_HOLDERS = ("layer", "forward_layer", "backward_layer", "cell")


def parts_of(layer: Any) -> list[Any]:
    """The layers directly inside one that is no model: of a wrapper, a recurrence, or stacked cells."""
    parts = [getattr(layer, holder, None) for holder in _HOLDERS]
    parts.extend(getattr(layer, "cells", ()))
    return [part for part in parts if isinstance(part, keras.layers.Layer)]
