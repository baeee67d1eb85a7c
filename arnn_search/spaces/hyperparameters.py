"""A `keras_tuner.HyperParameters` that asks for every value while the model is being built."""

from collections.abc import Callable
from typing import Any, Literal

import keras_tuner

from arnn_search.spaces.parameters import Parameter, Value, geometric_choices

_Kind = Literal["categorical", "int", "float"]


class AskingHyperParameters(keras_tuner.HyperParameters):  # type: ignore[misc]
    """Hands each parameter to `ask` when `build` first reaches it, and answers with what it returns.

    KerasTuner registers the parameter as always, so name scopes, conditional scopes and repeated names mean
    what they mean there; only the value is another. A parameter in a conditional scope that is not active is
    never asked for. `sampling="reverse_log"` has no counterpart in Optuna and is explored linearly.

    Args:
        ask: answers a `Parameter` with a value of it.
    """

    def __init__(self, ask: Callable[[Parameter], Value]) -> None:
        super().__init__()
        self._ask = ask
        self._answers: dict[str, Value] = {}

    def Choice(self, name: str, values: Any, *args: Any, **kwargs: Any) -> Any:
        return self._answered("categorical", super().Choice, name, values, *args, **kwargs)

    def Int(self, name: str, min_value: int, max_value: int, *args: Any, **kwargs: Any) -> Any:
        return self._answered("int", super().Int, name, min_value, max_value, *args, **kwargs)

    def Float(self, name: str, min_value: float, max_value: float, *args: Any, **kwargs: Any) -> Any:
        return self._answered("float", super().Float, name, min_value, max_value, *args, **kwargs)

    def Boolean(self, name: str, *args: Any, **kwargs: Any) -> Any:
        return self._answered("categorical", super().Boolean, name, *args, **kwargs)

    def _answered(self, kind: _Kind, register: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        known = len(self.space)
        value = register(*args, **kwargs)
        if len(self.space) == known:  # asked before, under the same name and conditions
            return value
        registered = self.space[-1]
        if not self.is_active(registered):
            return value
        name = registered.name
        if name not in self._answers:
            self._answers[name] = self._ask(as_parameter(registered, kind))
        self.values[name] = self._answers[name]
        return self._answers[name]


def as_parameter(registered: Any, kind: _Kind) -> Parameter:
    """The `Parameter` that a KerasTuner hyperparameter object stands for."""
    config = registered.get_config()
    name, default = registered.name, registered.default
    conditions = tuple((condition.name, tuple(condition.values)) for condition in registered.conditions)
    if kind == "categorical":
        choices = tuple(config.get("values", (False, True)))
        return Parameter(name, kind, choices=choices, default=default, conditions=conditions)
    low, high, step = config["min_value"], config["max_value"], config["step"]
    log = config["sampling"] == "log"
    if log and step not in (None, 1):
        values = geometric_choices(low, high, step)
        values = tuple(round(value) for value in values) if kind == "int" else values
        return Parameter(name, "categorical", choices=values, default=default, conditions=conditions)
    return Parameter(
        name,
        kind,
        low=low,
        high=high,
        step=None if log else step,
        log=log,
        default=default,
        conditions=conditions,
    )
