"""Optuna's samplers by name, each seeded so that a proposal depends on history, seed and number only."""

import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import optuna
from optuna.samplers import (
    BaseSampler,
    BruteForceSampler,
    CmaEsSampler,
    GPSampler,
    NSGAIIISampler,
    NSGAIISampler,
    QMCSampler,
    RandomSampler,
    TPESampler,
)

from arnn_search.errors import ConfigurationError
from arnn_search.studies.choices import SAMPLERS
from arnn_search.studies.engines.class_reference import find_class

_POPULATION_SIZE = 20
"""Of the genetic samplers. Optuna's 50 would leave nothing but random draws in a study of usual size."""


@dataclass(frozen=True)
class Draw:
    """For which trial a sampler is made.

    Attributes:
        number: the trial's number.
        seed: the trial's own seed for proposals.
        study_seed: the seed that all trials share.
    """

    number: int
    seed: int
    study_seed: int


class _NumberedQMCSampler(QMCSampler):
    """Takes the point of the sequence that has the trial's number, whatever was asked for before."""

    def __init__(self, draw: Draw) -> None:
        super().__init__(
            scramble=True,
            seed=draw.study_seed,
            independent_sampler=RandomSampler(seed=draw.seed),
            warn_independent_sampling=False,
        )
        self._number = draw.number

    def _find_sample_id(self, study: optuna.Study, search_space: dict[str, Any]) -> int:
        return self._number


_MAKERS: dict[str, Callable[[Draw], BaseSampler]] = {
    # Spaces are conditional: parameters are modelled together in the groups that occur together.
    "tpe": lambda draw: TPESampler(seed=draw.seed, multivariate=True, group=True),
    "random": lambda draw: RandomSampler(seed=draw.seed),
    "grid": lambda draw: BruteForceSampler(seed=draw.seed),
    "brute-force": lambda draw: BruteForceSampler(seed=draw.seed),
    "gp": lambda draw: GPSampler(seed=draw.seed, warn_independent_sampling=False),
    "cmaes": lambda draw: CmaEsSampler(seed=draw.seed, warn_independent_sampling=False),
    "nsgaii": lambda draw: NSGAIISampler(seed=draw.seed, population_size=_POPULATION_SIZE),
    "nsgaiii": lambda draw: NSGAIIISampler(seed=draw.seed, population_size=_POPULATION_SIZE),
    "qmc": _NumberedQMCSampler,
}


def sampler_maker(name: str) -> Callable[[Draw], BaseSampler]:
    """What makes a sampler for each trial.

    Args:
        name: as in `study.toml`: a name of the table, or `module:Class`. A class of your own is made with
            `seed=` if it takes one, and with nothing else.

    Raises:
        ConfigurationError: the sampler needs a package that is not installed, or there is no such class.
    """
    if name in _MAKERS:
        package = SAMPLERS[name].package
        if package and find_spec(package) is None:
            raise ConfigurationError(
                f"The sampler {name!r} needs the package {package!r}: pip install 'arnn-search[{package}]'."
            )
        return _without_experimental_warnings(_MAKERS[name])
    sampler = find_class("sampler", name, BaseSampler)
    takes_seed = "seed" in inspect.signature(sampler).parameters
    return _without_experimental_warnings(lambda draw: sampler(seed=draw.seed) if takes_seed else sampler())


def _without_experimental_warnings(make: Callable[[Draw], BaseSampler]) -> Callable[[Draw], BaseSampler]:
    def quietly(draw: Draw) -> BaseSampler:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return make(draw)

    return quietly
