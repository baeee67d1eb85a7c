"""Trying a search space before a study pays for it: build, and take one training step."""

import random
from pathlib import Path
from typing import Any

import keras
import numpy as np

from arnn_search.data import open_prepared
from arnn_search.errors import SpaceError
from arnn_search.spaces.discovery import read_space_file
from arnn_search.spaces.hyperparameters import AskingHyperParameters
from arnn_search.spaces.parameters import Parameter, Value
from arnn_search.spaces.space import SearchSpace, describe_failure, load_space_file
from arnn_search.trials.rehearsal import Rehearsal


def rehearse_defaults(space: Path, data: Path) -> Rehearsal:
    """Builds the architecture of the space's defaults, and takes one training step of it."""
    return rehearse(space, data, samples=1)[0]


def rehearse(space: Path, data: Path, *, samples: int, seed: int = 0) -> list[Rehearsal]:
    """Builds sampled architectures and takes one training step of each.

    Args:
        space: the space's file.
        data: the folder of the prepared data.
        samples: how many architectures, at least 1: the defaults first, then random ones.
        seed: seeds the random ones.

    Raises:
        SpaceError: the file cannot be loaded at all.
    """
    loaded = load_space_file(read_space_file(space, origin="given path"))
    generator = random.Random(seed)
    return [_rehearse_one(loaded, data, None if index == 0 else generator) for index in range(samples)]


def _rehearse_one(space: SearchSpace, data: Path, generator: random.Random | None) -> Rehearsal:
    values: dict[str, Value] = {}
    parameters: list[Parameter] = []

    def ask(parameter: Parameter) -> Value:
        parameters.append(parameter)
        values[parameter.name] = sample(parameter, generator)
        return values[parameter.name]

    path = space.declaration.path
    prepared = open_prepared(data)
    num_parameters = 0
    try:
        model = space.build(AskingHyperParameters(ask), prepared.spec)
        num_parameters = model.count_params()
        inputs, targets = (np.asarray(part[:8]) for part in prepared.train())
        logs = model.fit(inputs, targets, validation_data=(inputs, targets), batch_size=8, verbose=0).history
    except SpaceError as error:
        return Rehearsal(values, num_parameters, problem=str(error))
    except Exception as error:  # the user's code may raise anything; all of it is a finding
        return Rehearsal(values, num_parameters, problem=describe_failure(error, path))
    finally:
        keras.utils.clear_session()
    return Rehearsal(values, num_parameters, metrics=tuple(logs), parameters=tuple(parameters))


def sample(parameter: Parameter, generator: random.Random | None) -> Value:
    """A value of a parameter: its default, or a random one on its scale."""
    if generator is None and parameter.default is not None:
        return parameter.default
    generator = generator or random.Random(0)
    if parameter.kind == "categorical":
        return generator.choice(parameter.choices)
    sampler: Any = _RandomTrial(generator)
    return parameter.suggest(sampler)


class _RandomTrial:
    """The part of Optuna's trial interface that `Parameter.suggest` uses, answered at random."""

    def __init__(self, generator: random.Random) -> None:
        self._generator = generator

    def suggest_int(self, name: str, low: int, high: int, *, step: int, log: bool) -> int:
        if log:
            return round(self.suggest_float(name, low, high, step=None, log=True))
        return self._generator.randrange(low, high + 1, step)

    def suggest_float(self, name: str, low: float, high: float, *, step: float | None, log: bool) -> float:
        if step:
            return low + step * self._generator.randrange(round((high - low) / step) + 1)
        if log:
            return float(np.exp(self._generator.uniform(np.log(low), np.log(high))))
        return self._generator.uniform(low, high)
