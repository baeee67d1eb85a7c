"""The arguments that make a Keras object again: what differs from the defaults, and nothing else."""

import contextlib
import inspect
from typing import Any

from arnn_search.errors import ExportError
from arnn_search.export.source.layout import Expression, Group, literal

_NAMESPACES = ("layers", "regularizers", "initializers", "constraints", "activations", "random")


def construction(thing: Any, *, closing: str = ")", keyword: str = "", **changed: Any) -> Group:
    """The call that constructs a Keras layer, regularizer, initializer or the like.

    Args:
        thing: the object; its class must be one of Keras' public ones.
        closing: what follows the arguments.
        keyword: `"name="` where the call is an argument itself.
        **changed: arguments with another value than the object's own; None leaves one out.

    Raises:
        ExportError: the class is not Keras' own, so that its name would mean nothing elsewhere.
    """
    config = {**thing.get_config(), **changed}
    positional = list(_required(type(thing)))
    default = _default_config(type(thing), {name: config[name] for name in positional if name in config})
    by_position = [_argument(config[name], "") for name in positional if name in config]
    by_name = [
        _argument(value, f"{name}=")
        for name, value in config.items()
        if name not in positional
        and value is not None
        and (name in changed or name not in default or not _same(value, default[name]))
    ]
    return Group(f"{public_name(type(thing))}(", (*by_position, *by_name), closing, keyword)


def public_name(kind: type) -> str:
    """Where Keras offers a class: `"keras.layers.Dense"`.

    Raises:
        ExportError: nowhere.
    """
    import keras

    for namespace in _NAMESPACES:
        if getattr(getattr(keras, namespace), kind.__name__, None) is kind:
            return f"keras.{namespace}.{kind.__name__}"
    raise ExportError(
        f"The network holds a {kind.__name__} from {kind.__module__}, which is not part of Keras, so it "
        "cannot be written as Python that needs Keras alone. Leave the format python out."
    )


def _argument(value: Any, keyword: str) -> Expression:
    import keras

    if isinstance(value, dict) and {"module", "class_name", "config"} <= set(value):
        if value["class_name"] in ("DTypePolicy", "FloatDTypePolicy"):
            return literal(value["config"]["name"], keyword)
        if not str(value["module"]).startswith("keras"):
            name = value.get("registered_name") or value["class_name"]
            raise ExportError(
                f"The network holds {name!r}, which is not part of Keras. Leave the format python out."
            )
        return construction(keras.saving.deserialize_keras_object(value), keyword=keyword)
    return literal(value, keyword)


def _required(kind: type) -> list[str]:
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = list(inspect.signature(kind.__init__).parameters.values())[1:]  # type: ignore[misc]
    return [
        parameter.name
        for parameter in parameters
        if parameter.kind in kinds and parameter.default is inspect.Parameter.empty
    ]


def _default_config(kind: type, required: dict[str, Any]) -> dict[str, Any]:
    # From the configuration first, because a required argument may be a serialised object.
    for make in (kind.from_config, lambda config: kind(**config)):  # type: ignore[attr-defined]
        with contextlib.suppress(TypeError, ValueError, KeyError):
            config: dict[str, Any] = make(required).get_config()
            return config
    return {}


def _same(value: Any, default: Any) -> bool:
    plain, usual = (item.tolist() if hasattr(item, "tolist") else item for item in (value, default))
    return bool(plain == usual)
