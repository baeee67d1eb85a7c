"""The Keras callback that turns an epoch into a report, and an answer into a stop."""

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from arnn_search.health import GradientTelemetry, HealthRecord, SaturationProbe
from arnn_search.trials.channel import Channel, EpochReport
from arnn_search.trials.checkpoint import Checkpoint
from arnn_search.trials.checkpointing import Checkpointing
from arnn_search.trials.outcome import DIVERGED, TrialOutcome
from arnn_search.trials.task import TrialTask


class EpochReporter(keras.callbacks.Callback):  # type: ignore[misc]
    """Reports every epoch, keeps the weights of the best one, and stops when told to.

    Args:
        task: the trial.
        channel: where to report.
        telemetry: the gradient telemetry, or None if gradients are not followed.
        saturation: the saturation probe, or None.
        limits: reads the current limit of each auto-rotating layer, by layer name.
        checkpointing: keeps the state of each epoch, or None.

    Attributes:
        best_weights: those of the best epoch so far; None before there is one.
        outcome: how the trial ends, if something has stopped it.
        record: the gradients so far; None if they are not followed.
    """

    def __init__(
        self,
        task: TrialTask,
        channel: Channel,
        *,
        telemetry: GradientTelemetry | None,
        saturation: SaturationProbe | None,
        limits: Callable[[], Mapping[str, float]],
        checkpointing: Checkpointing | None = None,
    ) -> None:
        super().__init__()
        self.best_weights: list[np.ndarray] | None = None
        self.outcome: TrialOutcome | None = None
        self.record = HealthRecord(telemetry.layer_names) if telemetry else None
        self._task, self._channel = task, channel
        self._telemetry, self._saturation, self._limits = telemetry, saturation, limits
        self._checkpointing = checkpointing
        self._best: float | None = None
        self._reports: list[EpochReport] = []
        self._started = time.monotonic()

    def resume(self, checkpoint: Checkpoint) -> None:
        """Goes on from a checkpoint: reports its epochs again, as the supervisor may not know of all."""
        self._started = time.monotonic() - checkpoint.seconds
        self._best, self.best_weights = checkpoint.best, checkpoint.sequence("best") or None
        if self.record is not None:
            self.record.restore(checkpoint.group("health"))
        self._channel.event("resumed", {"epoch": checkpoint.epoch})
        for report in checkpoint.reports:
            self._reports.append(report)
            self._report(report)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        metrics = {name: float(value) for name, value in (logs or {}).items()}
        metrics["learning_rate"] = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        if self._telemetry is not None and self.record is not None:
            metrics |= self.record.add(
                self._telemetry.read(),
                saturation=self._saturation.measure() if self._saturation else {},
                limits=self._limits(),
            )
        if self._task.metric in metrics:
            self._keep_if_best(metrics[self._task.metric])
        self._reports.append(EpochReport(epoch + 1, metrics, time.monotonic() - self._started))
        if self._checkpointing is not None and math.isfinite(metrics["loss"]):
            self._checkpointing.epoch_ended(
                self._reports, best=self._best, best_weights=self.best_weights, record=self.record
            )
        self._report(self._reports[-1])
        if self.outcome is not None:
            self.model.stop_training = True

    def _report(self, report: EpochReport) -> None:
        """Reports an epoch; what the supervisor answers to the last one counts."""
        reason = self._channel.report(report)
        self.outcome = None
        loss = report.metrics["loss"]
        if not math.isfinite(loss):
            message = f"The training loss was {loss} after epoch {report.epoch}."
            self.outcome = TrialOutcome("failed", DIVERGED, message)
        elif reason is not None:
            self.outcome = TrialOutcome("pruned", reason, f"Stopped after epoch {report.epoch}.")

    def _keep_if_best(self, value: float) -> None:
        better = self._best is None or (
            value > self._best if self._task.direction == "maximize" else value < self._best
        )
        if math.isfinite(value) and better:
            self._best = value
            self.best_weights = self.model.get_weights()
