"""Parameters in KerasTuner's own notation, which can be written without importing it."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from arnn_search.spaces.parameters import Parameter, Value


def tuner_config(parameter: Parameter) -> dict[str, Any]:
    """What `keras_tuner.HyperParameters.get_config` would say of the parameter."""
    common: dict[str, Any] = {
        "name": parameter.name,
        "default": parameter.default,
        "conditions": [
            {"class_name": "Parent", "config": {"name": parent, "values": list(values)}}
            for parent, values in parameter.conditions
        ],
    }
    if parameter.kind == "categorical":
        if set(parameter.choices) == {False, True} and all(type(one) is bool for one in parameter.choices):
            return {"class_name": "Boolean", "config": common | {"default": bool(parameter.default)}}
        default = parameter.default if parameter.default in parameter.choices else parameter.choices[0]
        choices = {"values": list(parameter.choices), "ordered": _is_ordered(parameter), "default": default}
        return {"class_name": "Choice", "config": common | choices}
    number = int if parameter.kind == "int" else float
    limits = {
        "min_value": number(parameter.low),
        "max_value": number(parameter.high),
        "step": None if parameter.step is None else number(parameter.step),
        "sampling": "log" if parameter.log else "linear",
    }
    return {"class_name": "Int" if parameter.kind == "int" else "Float", "config": common | limits}


def parameter_as_json(parameter: Parameter) -> dict[str, Any]:
    """A parameter as JSON data."""
    conditions = [[parent, list(values)] for parent, values in parameter.conditions]
    return asdict(parameter) | {"choices": list(parameter.choices), "conditions": conditions}


def parameter_from_json(data: Mapping[str, Any]) -> Parameter:
    """The parameter that `parameter_as_json` wrote."""
    conditions = tuple((parent, tuple(values)) for parent, values in data["conditions"])
    return Parameter(**{**data, "choices": tuple(data["choices"]), "conditions": conditions})


def parameter_from_distribution(name: str, distribution: BaseDistribution) -> Parameter:
    """A parameter as far as Optuna's ledger knows it: without default and conditions."""
    if isinstance(distribution, CategoricalDistribution):
        choices: tuple[Any, ...] = tuple(distribution.choices)
        return Parameter(name, "categorical", choices=choices)
    assert isinstance(distribution, (IntDistribution, FloatDistribution))
    return Parameter(
        name,
        "int" if isinstance(distribution, IntDistribution) else "float",
        low=distribution.low,
        high=distribution.high,
        step=None if distribution.log else distribution.step,
        log=distribution.log,
    )


def is_value_of(parameter: Parameter, value: Value) -> bool:
    """Whether a parameter can have a value."""
    if parameter.kind == "categorical":
        return any(value == choice and type(value) is type(choice) for choice in parameter.choices)
    if isinstance(value, (bool, str)) or not parameter.low <= value <= parameter.high:
        return False
    if parameter.kind == "int" and value != int(value):
        return False
    if parameter.step is None:
        return True
    steps = (value - parameter.low) / parameter.step
    return abs(steps - round(steps)) < 1e-6


def _is_ordered(parameter: Parameter) -> bool:
    return all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in parameter.choices)
