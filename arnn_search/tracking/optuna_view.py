"""A study's table as an Optuna study in memory, for Optuna's own plots and importances."""

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from arnn_search.tracking.study_view import StudyView

# Values that lie this many times apart were drawn on a logarithmic scale.
_LOG_SPAN = 50


def as_optuna_study(view: StudyView, *, most: int | None = None) -> optuna.Study:
    """Rebuild the completed trials.

    MLflow knows values, not ranges, so each range is the one that was tried.

    Args:
        view: the study.
        most: take so many of the best trials; None for all.
    """
    names = [name for name in view.completed if name.startswith("param.")]
    distributions = {name: _distribution(list(view.completed[name].dropna())) for name in names}
    with _quiet_optuna():
        study = optuna.create_study(
            study_name=view.name, direction="maximize" if view.objectives[0].maximizes else "minimize"
        )
        for number, row in view.completed.head(most or len(view.completed)).sort_index().iterrows():
            values = {
                name: value
                for name in names
                if not _is_missing(row[name])
                and (value := _as_in(distributions[name], row[name])) is not None
            }
            trial = optuna.trial.create_trial(
                value=float(row["score"]),
                params={name.removeprefix("param."): value for name, value in values.items()},
                distributions={name.removeprefix("param."): distributions[name] for name in values},
                user_attrs={"number": int(number)},
            )
            study.add_trial(trial)
    return study


def _distribution(values: list[Any]) -> BaseDistribution:
    numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    if not values or not numeric:
        return CategoricalDistribution(sorted({str(value) for value in values}) or ["-"])
    low, high = min(values), max(values)
    log = low > 0 and high / low >= _LOG_SPAN
    if all(float(value).is_integer() for value in values):
        return IntDistribution(int(low), int(high), log=log)
    return FloatDistribution(float(low), float(high), log=log)


def _as_in(distribution: BaseDistribution, value: Any) -> Any:
    if isinstance(distribution, CategoricalDistribution):
        return str(value)
    return int(value) if isinstance(distribution, IntDistribution) else float(value)


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


@contextlib.contextmanager
def _quiet_optuna() -> Iterator[None]:
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(verbosity)
