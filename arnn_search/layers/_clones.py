"""A model again, with another layer in the place of each: shared layers stay shared, models stay nested."""

from collections.abc import Callable
from typing import Any

import keras


class Clones:
    """One new layer for each layer of a model and of the models inside it.

    Args:
        new_layer: gives the layer in the place of one that is no model, without weights.
    """

    def __init__(self, new_layer: Callable[[Any], Any]) -> None:
        self._new_layer = new_layer
        self._pairs: dict[int, tuple[Any, Any]] = {}

    @property
    def pairs(self) -> list[tuple[Any, Any]]:
        """Each layer and the new one, once."""
        return list(self._pairs.values())

    def of_model(self, model: keras.Model) -> keras.Model:
        """The model of new layers, compiled as the model is.

        Raises:
            ValueError: the model is neither functional nor sequential, or not built.
        """
        _check(model)
        # A Sequential calls its layers with nothing but their input.
        how = {} if isinstance(model, keras.Sequential) else {"call_function": _call}
        return keras.models.clone_model(model, clone_function=self._of_layer, **how)

    def _of_layer(self, layer: Any) -> Any:
        if id(layer) not in self._pairs:
            is_model = isinstance(layer, keras.Model)
            self._pairs[id(layer)] = (layer, self.of_model(layer) if is_model else self._new_layer(layer))
        return self._pairs[id(layer)][1]


def _call(clone: Any, *arguments: Any, **keywords: Any) -> Any:
    """Calls a clone as its layer was, but for what only a batch normalisation takes."""
    if isinstance(clone, keras.layers.Identity):
        return clone(*arguments)
    return clone(*arguments, **keywords)


def _check(model: Any) -> None:
    if not isinstance(model, keras.Sequential) and not hasattr(model, "operations"):
        raise ValueError(
            f"`model` must be a functional or sequential model. Received: {type(model).__name__}."
        )
    if not model.built:
        raise ValueError(f"The model {model.name!r} has no weights yet: build it first.")
