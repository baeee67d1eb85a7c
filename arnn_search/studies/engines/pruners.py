"""Optuna's pruners by name, with what follows from the number of epochs filled in."""

import warnings
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

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

from arnn_search.errors import ConfigurationError
from arnn_search.studies.engines.class_reference import find_class
from arnn_search.studies.options import Options, check_options

_REDUCTION_FACTOR = 3
_STARTUP_TRIALS = 5


def _warmup(epochs: int) -> int:
    """The first quarter of the epochs, in which nothing is judged."""
    return 1 + epochs // 4


def _smallest(epochs: int) -> int:
    """Epochs before the first rung of successive halving."""
    return max(1, epochs // _REDUCTION_FACTOR**2)


def _percentile(epochs: int) -> dict[str, Any]:
    return {"n_startup_trials": _STARTUP_TRIALS, "n_warmup_steps": _warmup(epochs)}


def _rungs(epochs: int) -> dict[str, Any]:
    return {"min_resource": _smallest(epochs), "reduction_factor": _REDUCTION_FACTOR}


_KINDS: dict[str, tuple[type[BasePruner], Callable[[int], dict[str, Any]]]] = {
    "median": (MedianPruner, _percentile),
    "percentile": (PercentilePruner, lambda epochs: {"percentile": 25.0} | _percentile(epochs)),
    "asha": (SuccessiveHalvingPruner, _rungs),
    "hyperband": (HyperbandPruner, lambda epochs: {"max_resource": epochs} | _rungs(epochs)),
    "patient": (
        PatientPruner,
        lambda epochs: {
            "wrapped_pruner": MedianPruner(**_percentile(epochs)),
            "patience": max(1, epochs // 5),
        },
    ),
    "wilcoxon": (WilcoxonPruner, lambda epochs: {"n_startup_steps": max(2, _warmup(epochs))}),
    "none": (NopPruner, lambda epochs: {}),
}


def make_pruner(name: str, *, epochs: int, options: Options = MappingProxyType({})) -> BasePruner:
    """A pruner.

    Args:
        name: as in `study.toml`: a name of the table, or `module:Class`.
        epochs: epochs of a full trial.
        options: keyword arguments of its class; they beat those of the table.

    Raises:
        ConfigurationError: there is no such class, or an option has a value that it refuses.
        UnknownNameError: it takes no such option.
    """
    if name in _KINDS:
        kind, arguments = _KINDS[name]
    else:
        kind, arguments = find_class("pruner", name, BasePruner), lambda epochs: {}
    check_options("pruner_options", options, kind, own=frozenset({"self", "wrapped_pruner"}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        try:
            return kind(**(arguments(epochs) | dict(options)))
        except (TypeError, ValueError) as error:
            raise ConfigurationError(f"The pruner {name!r} cannot be made: {error}") from None
