"""When a trial's checkpoint is written, and how a trial goes on from one."""

import time
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from arnn_search.health import HealthRecord
from arnn_search.trials.channel import Channel, EpochReport
from arnn_search.trials.checkpoint import (
    Checkpoint,
    CheckpointError,
    numbered,
    read_checkpoint,
    task_identity,
)
from arnn_search.trials.randomness import random_state, restore_random_state
from arnn_search.trials.task import TrialTask

_EPOCHS_PER_WRITE = 32
"""How many times as long as writing takes is trained in between: so it costs 3 % at most ..."""
_MOST_SECONDS = 30.0
"""... unless an epoch takes longer than this: then there is one after each."""
_EXPECTED_BYTES_PER_SECOND = 100e6
_EXPECTED_SECONDS = 0.01


class Checkpointing:
    """Writes the state of a trial at the end of its epochs, and finds the one that it is to go on from.

    The state of an epoch is written before the epoch is reported, with the report in it: a trial that dies in
    between reports it when it goes on, and no epoch that was written is trained twice.

    Args:
        task: the trial.
        channel: is told of each checkpoint.
        model: compiled, with its optimizer built, and with whatever follows the gradients.
        architecture: the hash of what was built.
    """

    def __init__(self, task: TrialTask, channel: Channel, model: keras.Model, *, architecture: str) -> None:
        self._task, self._channel, self._model = task, channel, model
        self._identity = task_identity(task, architecture=architecture, backend=keras.config.backend())
        self._variables = _state_of(model)
        self._optimizer = list(model.optimizer.variables)
        self._written: float = time.monotonic()
        num_bytes = sum(_num_bytes(one) for one in [*self._variables, *self._variables, *self._optimizer])
        self._cost = _EXPECTED_SECONDS + num_bytes / _EXPECTED_BYTES_PER_SECOND
        self._problem = ""

    def find(self) -> Checkpoint | None:
        """The checkpoint of an earlier attempt at this trial. One that is of no use is reported, and gone."""
        path = self._task.checkpoint_path
        try:
            checkpoint = read_checkpoint(path, self._identity)
            if checkpoint is not None:
                self._check_fits(checkpoint)
        except CheckpointError as error:
            print(f"The checkpoint {path} is not used: {error}. The trial begins anew.")
            self._channel.event("checkpoint ignored", {"reason": str(error)})
            path.unlink(missing_ok=True)
            return None
        return checkpoint

    def restore(self, checkpoint: Checkpoint) -> None:
        """Gives the model, its optimizer and the random generators the state that they had."""
        for name, variables in (("variables", self._variables), ("optimizer", self._optimizer)):
            for variable, value in zip(variables, checkpoint.sequence(name), strict=True):
                variable.assign(value)
        self._written = time.monotonic()

    def epoch_ended(
        self,
        reports: list[EpochReport],
        *,
        best: float | None,
        best_weights: list[np.ndarray] | None,
        record: HealthRecord | None,
    ) -> None:
        """Writes a checkpoint, if it is time for one.

        Args:
            reports: of all epochs so far.
            best: the best score so far.
            best_weights: the weights of that epoch.
            record: the gradients so far.
        """
        started = time.monotonic()
        if started - self._written < min(_EPOCHS_PER_WRITE * self._cost, _MOST_SECONDS):
            return
        arrays = numbered("variables", _values(self._variables)) | numbered(
            "optimizer", _values(self._optimizer)
        )
        arrays |= numbered("best", best_weights or [])
        if record is not None:
            arrays |= {f"health/{name}": array for name, array in record.arrays().items()}
        checkpoint = Checkpoint(
            identity=self._identity,
            epoch=reports[-1].epoch,
            seconds=reports[-1].seconds,
            reports=tuple(reports),
            best=best,
            arrays=arrays,
            randomness=random_state(),
        )
        try:
            checkpoint.write(self._task.checkpoint_path)
        except OSError as error:
            self._complain(f"{type(error).__name__}: {error}")
        else:
            self._channel.checkpoint(self._task.checkpoint_path, checkpoint.epoch)
        self._written = time.monotonic()
        self._cost = self._written - started

    def _complain(self, problem: str) -> None:
        """A trial that cannot be kept is trained all the same; it is said once."""
        if problem != self._problem:
            self._problem = problem
            print(f"The checkpoint {self._task.checkpoint_path} cannot be written: {problem}")
            self._channel.event("checkpoint failed", {"reason": problem})

    def _check_fits(self, checkpoint: Checkpoint) -> None:
        for name, variables in (("variables", self._variables), ("optimizer", self._optimizer)):
            found = [array.shape for array in checkpoint.sequence(name)]
            if found != [tuple(variable.shape) for variable in variables]:
                raise CheckpointError(f"its {name} have other shapes")


class RandomStateAtStart(keras.callbacks.Callback):  # type: ignore[misc]
    """Restores the random generators after whatever `fit` has drawn from them to look at the data."""

    def __init__(self, state: Mapping[str, Any]) -> None:
        super().__init__()
        self._state = state

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        restore_random_state(self._state)


def _state_of(model: keras.Model) -> list[Any]:
    """The weights, and what dropout and the like draw from; not the metrics, which begin anew each epoch."""
    metrics = {id(variable) for variable in model.metrics_variables}
    return [variable for variable in model.variables if id(variable) not in metrics]


def _values(variables: list[Any]) -> list[np.ndarray]:
    return [np.asarray(keras.ops.convert_to_numpy(variable)) for variable in variables]


def _num_bytes(variable: Any) -> int:
    return int(np.prod(variable.shape, dtype=np.int64)) * 4
