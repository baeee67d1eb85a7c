"""What a study can be proposed and judged by, by name: one table for configuration, help and engines."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from arnn_search.errors import UnknownNameError


@dataclass(frozen=True)
class Choice:
    """One named way to do something.

    Attributes:
        summary: what it does, in a few words.
        package: what must be installed for it, beyond what always is; empty if nothing.
    """

    summary: str
    package: str = ""


ENGINES = {
    "optuna": Choice("Optuna's samplers and pruners"),
    "keras-tuner": Choice("KerasTuner's oracles"),
}

SAMPLERS = {
    "tpe": Choice("tree-structured Parzen estimator over the parameters that occur together"),
    "random": Choice("independent draws"),
    "grid": Choice("every combination once, in shuffled order; the space must be finite"),
    "brute-force": Choice("the same as grid"),
    "gp": Choice("Gaussian process", package="torch"),
    "cmaes": Choice("covariance matrix adaptation, for numeric parameters", package="cmaes"),
    "nsgaii": Choice("genetic, for several objectives"),
    "nsgaiii": Choice("genetic, for many objectives"),
    "qmc": Choice("a low-discrepancy (Sobol) sequence; conditional parameters are drawn at random"),
}

PRUNERS = {
    "median": Choice("worse than the median of the trials so far at this epoch"),
    "percentile": Choice("not among the best quarter of the trials so far at this epoch"),
    "asha": Choice("asynchronous successive halving"),
    "hyperband": Choice("several brackets of asynchronous successive halving"),
    "patient": Choice("as median, but only after the trial itself stopped improving"),
    "wilcoxon": Choice("significantly worse than the best trial over the epochs so far"),
    "none": Choice("never"),
}

ORACLES = {
    "random": Choice("independent draws, no combination twice"),
    "bayesian": Choice("Gaussian process with an upper confidence bound"),
    "hyperband": Choice("brackets of rounds: the best go on from where they stopped, for more epochs"),
    "grid": Choice("every combination once, in order"),
}


_CLASS = r"[A-Za-z_][\w.]*:[A-Za-z_]\w*|optunahub:[\w./-]+(:[A-Za-z_]\w*)?"


def check_name(kind: str, name: str, choices: Mapping[str, Choice], *, classes: bool = False) -> str:
    """A name of the table, or, where `classes` are taken too, `module:Class` or `optunahub:package`.

    Raises:
        UnknownNameError: it is neither; lists the nearest names.
    """
    if name in choices or (classes and re.fullmatch(_CLASS, name)):
        return name
    hint = "A class of your own is given as module:Class." if classes else ""
    raise UnknownNameError(kind, name, choices, hint=hint)
