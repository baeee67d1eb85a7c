"""Optuna's pruners by name, with what follows from the number of epochs filled in."""

import warnings
from collections.abc import Callable

import optuna
from optuna.pruners import (
    BasePruner,
    HyperbandPruner,
    MedianPruner,
    NopPruner,
    PatientPruner,
    PercentilePruner,
    SuccessiveHalvingPruner,
    WilcoxonPruner,
)

from arnn_search.studies.engines.class_reference import find_class

_REDUCTION_FACTOR = 3
_STARTUP_TRIALS = 5


def _warmup(epochs: int) -> int:
    """The first quarter of the epochs, in which nothing is judged."""
    return 1 + epochs // 4


def _smallest(epochs: int) -> int:
    """Epochs before the first rung of successive halving."""
    return max(1, epochs // _REDUCTION_FACTOR**2)


def _median(epochs: int) -> BasePruner:
    return MedianPruner(n_startup_trials=_STARTUP_TRIALS, n_warmup_steps=_warmup(epochs))


_MAKERS: dict[str, Callable[[int], BasePruner]] = {
    "median": _median,
    "percentile": lambda epochs: PercentilePruner(
        25.0, n_startup_trials=_STARTUP_TRIALS, n_warmup_steps=_warmup(epochs)
    ),
    "asha": lambda epochs: SuccessiveHalvingPruner(
        min_resource=_smallest(epochs), reduction_factor=_REDUCTION_FACTOR
    ),
    "hyperband": lambda epochs: HyperbandPruner(
        min_resource=_smallest(epochs), max_resource=epochs, reduction_factor=_REDUCTION_FACTOR
    ),
    "patient": lambda epochs: PatientPruner(_median(epochs), patience=max(1, epochs // 5)),
    "wilcoxon": lambda epochs: WilcoxonPruner(n_startup_steps=max(2, _warmup(epochs))),
    "none": lambda epochs: NopPruner(),
}


def make_pruner(name: str, *, epochs: int) -> BasePruner:
    """A pruner.

    Args:
        name: as in `study.toml`: a name of the table, or `module:Class`, made without arguments.
        epochs: epochs of a full trial.

    Raises:
        ConfigurationError: there is no such class.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        if name in _MAKERS:
            return _MAKERS[name](epochs)
        pruner: BasePruner = find_class("pruner", name, BasePruner)()
        return pruner
