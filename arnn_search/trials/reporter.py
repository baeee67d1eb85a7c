"""The Keras callback that turns an epoch into a report, and an answer into a stop."""

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from arnn_search.health import GradientTelemetry, HealthRecord, SaturationProbe
from arnn_search.trials.channel import Channel, EpochReport
from arnn_search.trials.outcome import TrialOutcome
from arnn_search.trials.task import TrialTask


class EpochReporter(keras.callbacks.Callback):  # type: ignore[misc]
    """Reports every epoch, keeps the weights of the best one, and stops when told to.

    Args:
        task: the trial.
        channel: where to report.
        telemetry: the gradient telemetry, or None if gradients are not followed.
        saturation: the saturation probe, or None.
        limits: reads the current limit of each auto-rotating layer, by layer name.
    """

    def __init__(
        self,
        task: TrialTask,
        channel: Channel,
        *,
        telemetry: GradientTelemetry | None,
        saturation: SaturationProbe | None,
        limits: Callable[[], Mapping[str, float]],
    ) -> None:
        super().__init__()
        self.best_weights: list[np.ndarray] | None = None
        self.outcome: TrialOutcome | None = None
        self.record = HealthRecord(telemetry.layer_names) if telemetry else None
        self._task, self._channel = task, channel
        self._telemetry, self._saturation, self._limits = telemetry, saturation, limits
        self._best = math.nan
        self._started = time.monotonic()

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
        reason = self._channel.report(EpochReport(epoch + 1, metrics, time.monotonic() - self._started))
        if not math.isfinite(metrics["loss"]):
            message = f"The training loss was {metrics['loss']} after epoch {epoch + 1}."
            self._stop(TrialOutcome("failed", "diverged", message))
        elif reason is not None:
            self._stop(TrialOutcome("pruned", reason, f"Stopped after epoch {epoch + 1}."))

    def _keep_if_best(self, value: float) -> None:
        better = value > self._best if self._task.direction == "maximize" else value < self._best
        if math.isfinite(value) and (math.isnan(self._best) or better):
            self._best = value
            self.best_weights = self.model.get_weights()

    def _stop(self, outcome: TrialOutcome) -> None:
        self.outcome = outcome
        self.model.stop_training = True
