"""A search space for `optuna.Study.optimize`: build, fit, report every epoch, return the best value."""

from typing import TYPE_CHECKING, Any

import keras
import optuna

from arnn_search.spaces.hyperparameters import AskingHyperParameters

if TYPE_CHECKING:
    from arnn_search.data import PreparedData
    from arnn_search.spaces.space import SearchSpace


class Objective:
    """Trains one architecture per call.

    The value is the best over the epochs of `data.spec.objective`; create the study with its direction:
    `optuna.create_study(direction=objective.direction)`.

    Args:
        space: the search space.
        data: prepared data.
        epochs: epochs per trial.
        batch_size: samples per training step.

    Raises:
        ValueError: `epochs` or `batch_size` is not positive.
    """

    def __init__(self, space: "SearchSpace", data: "PreparedData", *, epochs: int, batch_size: int) -> None:
        for name, value in (("epochs", epochs), ("batch_size", batch_size)):
            if value < 1:
                raise ValueError(f"`{name}` must be at least 1. Received: {value}.")
        self.space, self.data, self.epochs, self.batch_size = space, data, epochs, batch_size
        self.metric, self.direction = data.spec.objective

    def __call__(self, trial: optuna.Trial) -> float:
        model = self.space.build(
            AskingHyperParameters(lambda parameter: parameter.suggest(trial)), self.data.spec
        )
        reporter = _PruningReporter(trial, self.metric)
        history = model.fit(
            *self.data.train(),
            validation_data=self.data.validation(),
            epochs=self.epochs,
            batch_size=self.batch_size,
            callbacks=[reporter],
            verbose=0,
        )
        if reporter.pruned:
            raise optuna.TrialPruned
        best = max if self.direction == "maximize" else min
        return float(best(history.history[self.metric]))


class _PruningReporter(keras.callbacks.Callback):  # type: ignore[misc]
    def __init__(self, trial: optuna.Trial, metric: str) -> None:
        super().__init__()
        self.trial, self.metric, self.pruned = trial, metric, False

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.trial.report(float(logs[self.metric]), epoch)
        if self.trial.should_prune():
            self.pruned = True
            self.model.stop_training = True
