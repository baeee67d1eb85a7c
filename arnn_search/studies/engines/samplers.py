"""Optuna's samplers by name, each seeded so that a proposal depends on history, seed and number only."""

import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from types import MappingProxyType
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
from arnn_search.studies.engines.hub import PREFIX, find_hub_sampler
from arnn_search.studies.options import Options, check_options

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

    def __init__(self, draw: Draw, qmc_type: str = "sobol", scramble: bool = True) -> None:
        super().__init__(
            qmc_type=qmc_type,
            scramble=scramble,
            seed=draw.study_seed,
            independent_sampler=RandomSampler(seed=draw.seed),
            warn_independent_sampling=False,
        )
        self._number = draw.number

    def _find_sample_id(self, study: optuna.Study, search_space: dict[str, Any]) -> int:
        return self._number


_Arguments = Callable[[Draw], dict[str, Any]]

_KINDS: dict[str, tuple[type[BaseSampler], _Arguments]] = {
    # Spaces are conditional: parameters are modelled together in the groups that occur together.
    "tpe": (TPESampler, lambda draw: {"seed": draw.seed, "multivariate": True, "group": True}),
    "random": (RandomSampler, lambda draw: {"seed": draw.seed}),
    "grid": (BruteForceSampler, lambda draw: {"seed": draw.seed}),
    "brute-force": (BruteForceSampler, lambda draw: {"seed": draw.seed}),
    "gp": (GPSampler, lambda draw: {"seed": draw.seed, "warn_independent_sampling": False}),
    "cmaes": (CmaEsSampler, lambda draw: {"seed": draw.seed, "warn_independent_sampling": False}),
    "nsgaii": (NSGAIISampler, lambda draw: {"seed": draw.seed, "population_size": _POPULATION_SIZE}),
    "nsgaiii": (NSGAIIISampler, lambda draw: {"seed": draw.seed, "population_size": _POPULATION_SIZE}),
    "qmc": (_NumberedQMCSampler, lambda draw: {"draw": draw}),
}
_OURS = frozenset({"self", "seed", "draw"})


def sampler_maker(name: str, options: Options = MappingProxyType({})) -> Callable[[Draw], BaseSampler]:
    """What makes a sampler for each trial.

    Args:
        name: as in `study.toml`: a name of the table, `module:Class`, or `optunahub:package`. A class that is
            not of the table is made with `seed=`, if it takes one, and the options.
        options: keyword arguments of its class; they beat those of the table.

    Raises:
        ConfigurationError: the sampler needs a package that is not installed, or there is no such class.
        UnknownNameError: it takes no such option.
    """
    if name in _KINDS:
        package = SAMPLERS[name].package
        if package and find_spec(package) is None:
            raise ConfigurationError(
                f"The sampler {name!r} needs the package {package!r}: pip install 'arnn-search[{package}]'."
            )
        kind, arguments = _KINDS[name]
    else:
        kind, arguments = _own_kind(name)
    check_options("sampler_options", options, kind, own=_OURS)

    def make(draw: Draw) -> BaseSampler:
        try:
            return kind(**(arguments(draw) | dict(options)))
        except (TypeError, ValueError) as error:
            raise ConfigurationError(f"The sampler {name!r} cannot be made: {error}") from None

    return _quietly(make)


def _own_kind(name: str) -> tuple[type[BaseSampler], _Arguments]:
    kind: type[BaseSampler] = (
        find_hub_sampler(name) if name.startswith(PREFIX) else find_class("sampler", name, BaseSampler)
    )
    takes_seed = "seed" in inspect.signature(kind).parameters
    return kind, lambda draw: {"seed": draw.seed} if takes_seed else {}


def _quietly(make: Callable[[Draw], BaseSampler]) -> Callable[[Draw], BaseSampler]:
    """Without Optuna's warnings that something is experimental."""

    def quietly(draw: Draw) -> BaseSampler:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return make(draw)

    return quietly
