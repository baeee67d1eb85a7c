"""The winner trained again on training and validation data, over seeds, and scored on the test part once."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from arnn_search.errors import StudyError
from arnn_search.studies.config import StudyConfig
from arnn_search.studies.engines.seeds import trial_seed
from arnn_search.studies.layout import StudyLayout
from arnn_search.studies.rerun import make_executor, make_task, recorded_slot
from arnn_search.studies.study import Study, Trial

_FILE = "refit.json"
_PURPOSE = 1000
"""From here on, `trial_seed` gives seeds that no trial uses."""


@dataclass(frozen=True)
class Interval:
    """A score over seeds.

    Attributes:
        mean: over the seeds.
        half_width: of the 95 % interval by Student's distribution; None for a single seed.
        values: the score of each seed.
    """

    mean: float
    half_width: float | None
    values: tuple[float, ...]


@dataclass(frozen=True)
class Refit:
    """A trial's architecture, trained again on the training and validation part.

    Attributes:
        study: the study's name.
        trial: the trial's number.
        epochs: epochs of each training.
        seeds: the seed of each training.
        test: scores on the test part.
    """

    study: str
    trial: int
    epochs: int
    seeds: tuple[int, ...]
    test: Mapping[str, Interval]


def refit_trial(
    study: Study, number: int | None = None, *, epochs: int | None = None, seeds: int = 1, force: bool = False
) -> tuple[Refit, list[Path]]:
    """Trains a trial's architecture again with all data but the test part, and scores it there.

    The test part is looked at once: a second call with the same settings gives what was recorded, and one
    with others is refused.

    Args:
        study: the study.
        number: the trial; None for the best one.
        epochs: epochs to train; None for the epoch that gave the trial its score.
        seeds: how often to train, each time from another seed, at least 1.
        force: whether to do it again.

    Returns:
        The scores, and the model files, one for each seed.

    Raises:
        StudyError: there is no such trial, it has no score, or it was retrained otherwise before.
    """
    trial = study.best_trial if number is None else study.trial(number)
    if trial.state != "completed":
        raise StudyError(
            f"Trial {trial.number} of {study.name!r} is {trial.state}; only a completed one has a "
            "number of epochs to retrain for."
        )
    if seeds < 1 or (epochs is not None and epochs < 1):
        raise StudyError(f"--seeds and --epochs must be at least 1. Received: {seeds} and {epochs}.")
    epochs = trial.best_epoch if epochs is None else epochs
    config = study.config
    chosen = tuple(trial_seed(config.seed, trial.number, purpose=_PURPOSE + index) for index in range(seeds))
    earlier = read_refit(study.layout, trial.number)
    if earlier is not None and not force:
        if (earlier.epochs, earlier.seeds) == (epochs, chosen):
            return earlier, refit_models(study.layout, earlier)
        raise StudyError(
            f"Trial {trial.number} was retrained before ({earlier.epochs} epochs, {len(earlier.seeds)} "
            "seeds) and scored on the test part. To choose settings by that part would spoil it; --force "
            "does it anyway."
        )
    scores = _train(study, trial, config, epochs=epochs, seeds=chosen)
    test = {name: _interval([score[name] for score in scores]) for name in scores[0]}
    refit = Refit(study.name, trial.number, epochs, chosen, test)
    path = refit_directory(study.layout, trial.number) / _FILE
    path.write_text(json.dumps(asdict(refit), indent=1), encoding="utf-8")
    return refit, refit_models(study.layout, refit)


def refit_directory(layout: StudyLayout, number: int) -> Path:
    """The folder of a trial's retrained models."""
    return layout.trial(number) / "refit"


def refit_models(layout: StudyLayout, refit: Refit) -> list[Path]:
    """The model files of a retraining, in the order of its seeds."""
    folder = refit_directory(layout, refit.trial)
    return [folder / f"seed-{seed}" / "model.keras" for seed in refit.seeds]


def read_refit(layout: StudyLayout, number: int) -> Refit | None:
    """What was found when the trial was retrained; None if it was not."""
    try:
        content: dict[str, Any] = json.loads((refit_directory(layout, number) / _FILE).read_text("utf-8"))
        test = {
            name: Interval(one["mean"], one["half_width"], tuple(one["values"]))
            for name, one in content["test"].items()
        }
        return Refit(**content | {"test": test, "seeds": tuple(content["seeds"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _train(
    study: Study, trial: Trial, config: StudyConfig, *, epochs: int, seeds: Sequence[int]
) -> list[dict[str, float]]:
    slot = recorded_slot(config, trial)
    scores = []
    with make_executor(config) as executor:
        for seed in seeds:
            task = make_task(study, trial, subfolder=f"refit/seed-{seed}", seed=seed)
            try:
                scores.append(
                    executor.call(
                        "arnn_search.trials.refit:refit_model",
                        replace(task, epochs=epochs),
                        trial.parameters,
                        threads=None if config.executor == "inline" else slot.threads,
                        environment=dict(slot.environment),
                    )
                )
            except RuntimeError as error:
                raise StudyError(f"Trial {trial.number} could not be retrained: {error}") from error
    return scores


def _interval(values: Sequence[float]) -> Interval:
    mean = float(np.mean(values))
    if len(values) < 2:
        return Interval(mean, None, tuple(values))
    from scipy.stats import t

    error = float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return Interval(mean, float(t.ppf(0.975, len(values) - 1)) * error, tuple(values))
