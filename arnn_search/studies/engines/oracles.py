"""KerasTuner's oracles, made to depend on nothing but the study's seed, the trial's number and the past."""

import warnings
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import keras_tuner
import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from arnn_search.studies.engines.seeds import trial_seed

_PURPOSE = 3


class NumberedOracle(keras_tuner.Oracle):  # type: ignore[misc]
    """Draws for each trial from a seed of its own, and can be told what a trial was given before.

    Mixed into an oracle of KerasTuner, before it.

    Attributes:
        study_seed: the study's seed.
        number: the number, in the study, of the trial that is being created.
        recorded: the values of the trial that is being created, if they are settled already.
        replays: whether such values replace the oracle's own work, which may take seconds. Oracles that keep
            books on what they proposed do the work again instead; it comes out the same.
    """

    trials: dict[str, Any]
    ongoing_trials: dict[str, Any]
    study_seed, number = 0, 0
    recorded: Mapping[str, Any] | None = None
    replays = True

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        if self.recorded is not None and self.replays:
            return {"status": "RUNNING", "values": dict(self.recorded)}
        self._seed_state = trial_seed(self.study_seed, self.number, purpose=_PURPOSE)
        self.prepare(self._seed_state)
        answer: dict[str, Any] = super().populate_space(trial_id)
        if answer.get("values"):
            self.complete(answer["values"])
        return answer

    def prepare(self, seed: int) -> None:
        """What an oracle needs before it proposes."""

    def complete(self, values: dict[str, Any]) -> None:
        """Gives active parameters that have no value their default; KerasTuner would draw without a seed."""
        known = self.get_space()
        known.values = values
        for parameter in known.space:
            if known.is_active(parameter) and parameter.name not in values:
                values[parameter.name] = parameter.default


class RandomOracle(NumberedOracle, keras_tuner.oracles.RandomSearchOracle):  # type: ignore[misc]
    """Random search."""


class GridOracle(NumberedOracle, keras_tuner.oracles.GridSearchOracle):  # type: ignore[misc]
    """Grid search: it goes on from the values of the trials before.

    KerasTuner expects them to have a value for each parameter, those included that showed up later.
    """

    replays = False

    def prepare(self, seed: int) -> None:
        for trial in self.trials.values():
            self.complete(trial.hyperparameters.values)


class HyperbandOracle(NumberedOracle, keras_tuner.oracles.HyperbandOracle):  # type: ignore[misc]
    """Hyperband: it keeps the books of its brackets."""

    replays = False


class BayesianOracle(NumberedOracle, keras_tuner.oracles.BayesianOptimizationOracle):  # type: ignore[misc]
    """Bayesian optimisation.

    KerasTuner guesses the scores of running trials with the model of the proposal before, which a resumed
    study does not have. Here the model is first fitted to what has completed.
    """

    gpr: Any

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        with warnings.catch_warnings():
            # With few trials the best length scale is often at a bound; there is nothing to do about it.
            warnings.simplefilter("ignore", ConvergenceWarning)
            return super().populate_space(trial_id)

    def prepare(self, seed: int) -> None:
        self._random_state = np.random.RandomState(seed)
        self.gpr = clone(self.gpr)
        trials, ongoing = self.trials, self.ongoing_trials
        completed = {key: trial for key, trial in trials.items() if trial.status == "COMPLETED"}
        if not ongoing or not completed:
            return
        self.trials, self.ongoing_trials = completed, {}
        try:
            inputs, scores = self._vectorize_trials()
        finally:
            self.trials, self.ongoing_trials = trials, ongoing
        if inputs.size:
            self.gpr.fit(np.nan_to_num(inputs), np.nan_to_num(scores, posinf=0, neginf=0))


def hyperparameters(space: Sequence[Mapping[str, Any]], values: Mapping[str, Any]) -> Any:
    """KerasTuner's parameters and values; its own function changes the configurations that it is given."""
    return keras_tuner.HyperParameters.from_config({"space": deepcopy(list(space)), "values": dict(values)})


def make_oracle(
    name: str, *, direction: str, seed: int, epochs: int, space: Sequence[Mapping[str, Any]]
) -> NumberedOracle:
    """Makes an oracle.

    Args:
        name: of `choices.ORACLES`.
        direction: `"maximize"` or `"minimize"`.
        seed: the study's seed, 0 included.
        epochs: epochs of a full trial.
        space: the parameters that are known from the start, as KerasTuner's configurations of them.
    """
    settings = {
        "objective": keras_tuner.Objective("score", "max" if direction == "maximize" else "min"),
        "hyperparameters": hyperparameters(space, {}),
        "seed": seed + 1,  # to KerasTuner 0 means: any
        # How many trials there are, and how many may fail, is the supervisor's business.
        "max_consecutive_failed_trials": 10**9,
    }
    oracle: NumberedOracle
    if name == "hyperband":
        # Without an end: the brackets are gone through again as long as the budget lasts.
        oracle = HyperbandOracle(max_epochs=epochs, hyperband_iterations=None, **settings)
    else:
        makers = {"random": RandomOracle, "bayesian": BayesianOracle, "grid": GridOracle}
        oracle = makers[name](max_trials=None, **settings)
    oracle.study_seed = seed
    oracle.verbose = 0
    return oracle
