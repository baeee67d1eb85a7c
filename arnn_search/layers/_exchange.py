"""Exchanging what single layers do with their pre-activations, to see what it is worth."""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras

from arnn_search.layers._absorbed_normalization import reads
from arnn_search.layers._clones import Clones

_CONFIG = "config"

EXCHANGES = ("classic", "batch_normalization", "other_limit")
"""What can come in the place of a layer that rotates: the stock layer, the stock layer with batch
normalisation after it, or the rotating layer with a fixed limit in place of a learned one and the reverse."""


@dataclass(frozen=True)
class RotatingLayer:
    """A layer of a model that rotates, or a wrapper around one.

    Attributes:
        name: the layer's name.
        learns_limit: whether its limit is trained.
        is_normalized: whether batch normalisation reads its outputs.
    """

    name: str
    learns_limit: bool
    is_normalized: bool


def rotating_layers(model: keras.Model) -> list[RotatingLayer]:
    """The layers of a functional or sequential model that rotate, from input to output, nested ones too."""
    return [
        RotatingLayer(
            layer.name,
            learns_limit=any(rotation["learn_limit"] for rotation in rotations),
            is_normalized=any(
                isinstance(other, keras.layers.BatchNormalization) and reads(other, layer)
                for other in siblings
            ),
        )
        for layer, siblings in _layers_with_siblings(model)
        if (rotations := list(_rotations(_serialized(layer))))
    ]


def exchange(model: keras.Model, exchanges: Mapping[str, str]) -> keras.Model:
    """The same untrained network with something else in the place of some of its rotating layers.

    Every kernel and bias starts with the same numbers as in the model, so that networks that differ in their
    exchanges can be compared in pairs.

    Args:
        model: functional or sequential, and built.
        exchanges: one of `EXCHANGES` for each layer to exchange, by the layer's name.

    Returns:
        A new model, compiled as the model is.

    Raises:
        ValueError: the model is of another kind, it has no rotating layer of that name, or there is no such
            exchange.
    """
    known = {layer.name for layer in rotating_layers(model)}
    for name, kind in exchanges.items():
        if name not in known:
            raise ValueError(f"The model has no rotating layer {name!r}; it has {', '.join(sorted(known))}.")
        if kind not in EXCHANGES:
            raise ValueError(f"An exchange must be one of {', '.join(EXCHANGES)}. Received: {kind!r}.")
    clones = Clones(lambda layer: _exchanged(layer, exchanges.get(layer.name)))
    exchanged = clones.of_model(model)
    for layer, clone in clones.pairs:
        if not isinstance(layer, keras.Model):
            _carry_weights(layer, clone)
    return exchanged


def _layers_with_siblings(model: Any) -> Iterator[tuple[Any, list[Any]]]:
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _layers_with_siblings(layer)
        else:
            yield layer, model.layers


def _exchanged(layer: Any, kind: str | None) -> Any:
    match kind:
        case None:
            return layer.__class__.from_config(layer.get_config())
        case "other_limit":
            return _restored(_changed(_serialized(layer), _with_other_limit))
        case "classic":
            return _restored(_changed(_serialized(layer), _without_rotation))
    # Momentum as in `arnn_search.blocks`: Keras' own outlasts many a trial.
    classic = _exchanged(layer, "classic")
    normalization = keras.layers.BatchNormalization(momentum=0.9, name=f"{layer.name}_normalization")
    return keras.Sequential([classic, normalization], name=layer.name)


def _serialized(layer: Any) -> Any:
    return keras.saving.serialize_keras_object(layer)


def _restored(serialized: Any) -> Any:
    # A copy: wrappers of Keras take their configuration apart.
    return keras.saving.deserialize_keras_object(copy.deepcopy(serialized))


def _rotations(serialized: Any) -> Iterator[dict[str, Any]]:
    """The configuration of every rotating layer in one that is serialised."""
    if isinstance(serialized, (list, tuple)):
        for value in serialized:
            yield from _rotations(value)
    elif isinstance(serialized, dict):
        if _rotates(serialized):
            yield serialized[_CONFIG]
        else:
            yield from _rotations(list(serialized.values()))


def _changed(serialized: Any, change: Callable[[dict[str, Any]], Any]) -> Any:
    """The same with every rotating layer in it changed; not built, since shapes of weights may differ."""
    if isinstance(serialized, (list, tuple)):
        return type(serialized)(_changed(value, change) for value in serialized)
    if not isinstance(serialized, dict):
        return serialized
    if _rotates(serialized):
        return change({key: value for key, value in serialized.items() if key != "build_config"})
    return {key: _changed(value, change) for key, value in serialized.items() if key != "build_config"}


def _rotates(serialized: dict[str, Any]) -> bool:
    config = serialized.get(_CONFIG)
    return (
        str(serialized.get("registered_name", "")).startswith("arnn_search>")
        and isinstance(config, dict)
        and bool(config.get("auto_rotation"))
    )


def _with_other_limit(serialized: dict[str, Any]) -> dict[str, Any]:
    config = serialized[_CONFIG]
    other = {"learn_limit": not config["learn_limit"], "limit_per_unit": False, "limit_bounds": None}
    return serialized | {_CONFIG: config | other}


def _without_rotation(serialized: dict[str, Any]) -> Any:
    wrapped = serialized[_CONFIG].get("layer")
    if wrapped is None:
        return _serialized(_restored(serialized).stock_layer())
    stock = _changed(wrapped, _without_rotation)
    return stock | {_CONFIG: stock[_CONFIG] | {"name": serialized[_CONFIG]["name"]}}


def _carry_weights(layer: Any, clone: Any) -> None:
    target = clone.layers[0] if isinstance(clone, keras.Sequential) else clone
    weights, targets = (_without_limits(one) for one in (layer, target))
    for weight, its_clone in zip(weights, targets, strict=True):
        its_clone.assign(weight)


def _without_limits(layer: Any) -> list[Any]:
    return [weight for weight in layer.weights if not weight.path.split("/")[-1].startswith("limit")]
