"""The table as something to search: proposals become the nearest architecture that is not yet used."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from arnn_search.spaces.parameters import Parameter
from benchmarks.steering.table_file import Row

_LAYERS = (
    Parameter("family", "categorical", choices=("classic", "ar", "bn", "ar_bn")),
    Parameter("activation", "categorical", choices=("sigmoid", "tanh", "relu")),
)
_ROTATION = (
    Parameter("limit_mode", "categorical", choices=("fixed", "learnable")),
    Parameter("limit_factor", "float", low=0.5, high=2.0, log=True),
    Parameter("reference_point", "categorical", choices=("uniform", "aligned")),
)
_BOUNDARY = (Parameter("boundary", "categorical", choices=("padded", "interior")),)
_OWN = {
    "poster-cnn": (
        Parameter("filters", "categorical", choices=(8, 16, 32)),
        Parameter("learning_rate", "float", low=1e-4, high=1e-2, log=True),
    ),
    "conv-classifier": (
        Parameter("width", "categorical", choices=(8, 16)),
        Parameter("kernel_size", "categorical", choices=(3, 5)),
        Parameter("pooling", "categorical", choices=("max", "average")),
        Parameter("convolutions_per_block", "int", low=1, high=2),
        Parameter("blocks", "int", low=1, high=3),
        Parameter("head", "categorical", choices=("flatten", "global_average")),
        Parameter("dropout", "float", low=0.0, high=0.5, step=0.1),
        Parameter("optimizer", "categorical", choices=("adam", "rmsprop")),
        Parameter("learning_rate", "float", low=3e-4, high=1e-2, log=True),
    ),
}
"""What the spaces ask for, as `search_spaces/*.py` do; of `conv-classifier` without its widest."""


def suggest(trial: Any, space: str) -> dict[str, Any]:
    """Asks an Optuna trial for a configuration of the space."""
    values: dict[str, Any] = {}

    def ask(parameters: Sequence[Parameter]) -> None:
        for parameter in parameters:
            values[parameter.name] = parameter.suggest(trial)

    ask(_LAYERS)
    if values["family"].startswith("ar"):
        ask(_ROTATION)
        if space == "poster-cnn":
            ask(_BOUNDARY)
    ask(_OWN[space])
    return values


def parameters_of(space: str) -> dict[str, Parameter]:
    """Every parameter of the space, by name."""
    return {parameter.name: parameter for parameter in (*_LAYERS, *_ROTATION, *_BOUNDARY, *_OWN[space])}


class Pool:
    """Architectures of one space, none of which is proposed twice before all others have been.

    What was not trained to its end may then be proposed a second time, at its full price, as in a space that
    is larger than this there would be others like it.

    Args:
        rows: at least one.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        (self.space,) = {row.space for row in rows}
        self.rows = tuple(rows)
        self._parameters = parameters_of(self.space)
        self._left = {row.number: row for row in rows}
        self._untrained: dict[int, Row] = {}
        self._is_refilled = False

    @property
    def is_empty(self) -> bool:
        """Whether all are trained to their end, or have been proposed twice."""
        return not self._left and (self._is_refilled or not self._untrained)

    def take_nearest(self, values: Mapping[str, Any]) -> Row:
        """The architecture that is nearest to a configuration, which is then used."""
        left = self._filled()
        return left.pop(min(left, key=lambda number: self.distance(values, left[number].parameters)))

    def take_random(self, generator: np.random.Generator) -> Row:
        """Any of them, which is then used."""
        left = self._filled()
        return left.pop(int(generator.choice(sorted(left))))

    def give_back(self, row: Row) -> None:
        """One that was not trained to its end."""
        self._untrained[row.number] = row

    def _filled(self) -> dict[int, Row]:
        if not self._left:
            self._left, self._untrained, self._is_refilled = self._untrained, {}, True
        return self._left

    def distance(self, first: Mapping[str, Any], second: Mapping[str, Any]) -> float:
        """Gower's: the mean over parameters of a difference in [0, 1]; 1 where only one of them has it."""
        names = set(first) | set(second)
        return sum(self._difference(name, first, second) for name in names) / len(names)

    def _difference(self, name: str, first: Mapping[str, Any], second: Mapping[str, Any]) -> float:
        if name not in first or name not in second:
            return 1.0
        parameter, one, other = self._parameters[name], first[name], second[name]
        if parameter.kind == "categorical":
            return float(one != other)
        scale = math.log if parameter.log else float
        return abs(scale(one) - scale(other)) / (scale(parameter.high) - scale(parameter.low))
