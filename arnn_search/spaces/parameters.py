"""One parameter of a search space: what is asked of an engine, in plain data that crosses processes."""

import math
from dataclasses import dataclass
from typing import Any, Literal

Value = bool | int | float | str


@dataclass(frozen=True)
class Parameter:
    """A named range or set of choices.

    Attributes:
        name: the parameter's name, name scopes included, as in the ledger and in MLflow.
        kind: `"categorical"`, `"int"` or `"float"`.
        choices: the values of a categorical parameter.
        low: the smallest value of a numeric one, inclusive.
        high: the largest, inclusive.
        step: the distance between values; None for a continuous float.
        log: whether the range is explored on a logarithmic scale.
        default: the value that the space itself would take.
        conditions: the conditional scopes that it is in: names of parameters, and the values that open them.
    """

    name: str
    kind: Literal["categorical", "int", "float"]
    choices: tuple[Value, ...] = ()
    low: float = 0
    high: float = 0
    step: float | None = None
    log: bool = False
    default: Value | None = None
    conditions: tuple[tuple[str, tuple[Value, ...]], ...] = ()

    def suggest(self, trial: Any) -> Value:
        """Asks an `optuna.trial.Trial` (or whatever has its `suggest_...` methods) for a value."""
        value: Value
        if self.kind == "categorical":
            value = trial.suggest_categorical(self.name, list(self.choices))
        elif self.kind == "int":
            step = int(self.step or 1)
            high = int(self.low) + (int(self.high) - int(self.low)) // step * step
            value = trial.suggest_int(self.name, int(self.low), high, step=step, log=self.log)
        else:
            high_float = self.high
            if self.step:
                steps = math.floor((self.high - self.low) / self.step + 1e-9)
                high_float = self.low + steps * self.step
            value = trial.suggest_float(self.name, self.low, high_float, step=self.step, log=self.log)
        return value


def geometric_choices(low: float, high: float, factor: float) -> tuple[float, ...]:
    """low, low * factor, low * factor², ... up to high: what KerasTuner means by a step on a log scale."""
    count = math.floor(math.log(high / low) / math.log(factor) + 1e-9) + 1
    return tuple(low * factor**power for power in range(count))
