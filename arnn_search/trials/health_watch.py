"""Looks at a training before its first step and in its first ones, and ends it where it is not worth it."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from arnn_search.health.probe import PROBE_BATCHES, probe
from arnn_search.health.race import StepRace
from arnn_search.health.rule import HealthRule, StepWindow
from arnn_search.health.saturation import SaturationProbe
from arnn_search.health.telemetry import GradientTelemetry, gradients_between
from arnn_search.trials.channel import Channel, RungReport
from arnn_search.trials.outcome import STOPPED_FOR_HEALTH, TrialOutcome
from arnn_search.trials.randomness import random_state, restore_random_state

_CHANCE_SAMPLES = 1024
_SMALL_BYTES = 1 << 26
"""Of weights and optimizer, which the probe copies and puts back after each batch: beyond it takes one ..."""
_MOST_BYTES = 1 << 30
"""... and beyond this none, unless the probe has been asked for."""


class HealthWatch:
    """What `train` asks before the first step, and every few of the first steps.

    Args:
        model: compiled and built.
        channel: is told of the probe, and answers whether to train.
        telemetry: attached to the model.
        saturation: looks at the activations, or None.
        targets: of the training samples, `(samples, ...)`.
        batch_size: samples per step.
        epochs: up to which epoch is trained; a rung at or after the last step is not run for.
        trained_epochs: through which the training was when it was broken off. It is probed and judged by
            the rule only where there were none.
        rule: says from the steps of the first epoch whether to go on; None to go on whatever they show.
        race: at which steps the supervisor is asked whether to go on; None for none.
        probes: whether to probe even where the training step must be compiled once more for it.

    Attributes:
        outcome: how the trial ends, if it was not to be trained, or not to its end.
        steps_per_epoch: how many steps each epoch has.
    """

    def __init__(
        self,
        model: keras.Model,
        channel: Channel,
        telemetry: GradientTelemetry,
        *,
        saturation: SaturationProbe | None,
        targets: np.ndarray,
        batch_size: int,
        epochs: int,
        trained_epochs: int = 0,
        rule: HealthRule | None,
        race: StepRace | None = None,
        probes: bool = False,
    ) -> None:
        self.outcome: TrialOutcome | None = None
        self._model, self._channel, self._telemetry = model, channel, telemetry
        self._saturation, self._rule, self._race = saturation, rule, race
        self._batch_size = batch_size
        self.steps_per_epoch = -(-len(targets) // batch_size)
        self._trained = trained_epochs
        self._taken, self._last_step = (number * self.steps_per_epoch for number in (trained_epochs, epochs))
        self._rungs = [rung for rung in race.rungs if rung > self._taken] if race else []
        self.probes = probes and not trained_epochs
        self._targets = targets
        self._windows: list[StepWindow] = []
        self._sums = telemetry.peek()
        self._loss_sum, self._samples = 0.0, 0
        self._chance: float | None = None

    @property
    def steps_between(self) -> int:
        """Steps from one inspection to the next; 0 for no inspection."""
        if self._rule is None:
            return self._race.race_first_rung if self._race else 0
        return self._rule.window_steps

    def before_training(self, step: Callable[[int], None], *, batches: int) -> bool:
        """Probes; returns whether to train.

        Args:
            step: takes one training step on the batch of the given number.
            batches: how many there are to take.
        """
        if self._trained:
            return True
        num_bytes = 4 * sum(
            math.prod(variable.shape)
            for variable in (*self._model.variables, *self._model.optimizer.variables)
        )
        if num_bytes > _MOST_BYTES and not self.probes:
            return True
        state = random_state()
        health = probe(
            self._model,
            self._telemetry,
            step=step,
            saturation=self._saturation,
            batches=min(batches, PROBE_BATCHES if num_bytes <= _SMALL_BYTES else 1),
        )
        restore_random_state(state)
        self.outcome = self._channel.probed(health.metrics())
        return self.outcome is None

    def begin_epoch(self, epoch: int) -> None:
        """An epoch begins, whose metrics and sums of gradients begin anew.

        Args:
            epoch: how many there were before.
        """
        self._taken = epoch * self.steps_per_epoch
        self._sums, self._loss_sum, self._samples = self._telemetry.peek(), 0.0, 0

    def inspect(self, done: int) -> bool:
        """Looks at the steps since the last call; returns whether to go on.

        Args:
            done: steps taken in this epoch.
        """
        if self.is_watching(done):
            window = self._window(done)
            if window is not None:
                self._windows.append(window)
                self.outcome = self._judged(window) or self._raced(window)
        return self.outcome is None

    def is_watching(self, done: int) -> bool:
        """Whether anything is to be seen after so many steps of this epoch."""
        return bool(self._rungs) or (
            self._rule is not None and self._taken == 0 and done <= self._rule.last_step
        )

    @property
    def last_step(self) -> int:
        """The step of this epoch after which nothing is looked at any more, if there is a look every
        `steps_between` steps; 0 where nothing is.
        """
        rule = self._rule.last_step if self._rule and self._taken == 0 else 0
        race = self._rungs[-1] + self.steps_between - 1 - self._taken if self._rungs else 0
        return max(rule, race)

    def _window(self, done: int) -> StepWindow | None:
        sums = self._telemetry.peek()
        seen = gradients_between(self._sums, sums)
        if seen.steps == 0:
            return None
        samples = min(done * self._batch_size, len(self._targets))
        loss_sum = float(self._model.get_metrics_result()["loss"]) * samples
        loss = (loss_sum - self._loss_sum) / (samples - self._samples)
        self._sums, self._loss_sum, self._samples = sums, loss_sum, samples
        return StepWindow(
            done=done,
            steps=seen.steps,
            gradient_rms=tuple(seen.mean_rms.tolist()),
            nonfinite_steps=seen.nonfinite_steps,
            loss=loss,
        )

    def _judged(self, window: StepWindow) -> TrialOutcome | None:
        if self._rule is None or self._taken or window.done > self._rule.last_step:
            return None
        if self._chance is None:
            self._chance = chance_loss(self._model, self._targets)
        reason = self._rule.reason_to_stop(self._windows, chance_loss=self._chance)
        if reason is None:
            return None
        message = f"Stopped after step {window.done} of the first epoch: {reason.message}"
        return TrialOutcome("pruned", f"{STOPPED_FOR_HEALTH}{reason.name}", message)

    def _raced(self, window: StepWindow) -> TrialOutcome | None:
        done = self._taken + window.done
        while self._rungs and done >= self._rungs[0]:
            step = self._rungs.pop(0)
            # At the end there is nothing to be saved.
            reason = self._channel.raced(RungReport(step, window.loss)) if done < self._last_step else None
            if reason is not None:
                message = f"Stopped after step {done}: its loss was {window.loss:.4g}."
                return TrialOutcome("pruned", reason, message)
        return None


class StoppedByHealth(Exception):
    """Leaves Keras' `fit` in the midst of an epoch."""


class HealthWatchCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """The same in Keras' own `fit`, after whatever number of steps it takes in one call."""

    def __init__(self, watch: HealthWatch) -> None:
        super().__init__()
        self._watch, self._inspected = watch, 0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._watch.begin_epoch(epoch)
        self._inspected = 0

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        watch = self._watch
        done = min(batch + 1, watch.steps_per_epoch)  # Keras counts all steps of a call, of the last one too
        is_due = done - self._inspected >= watch.steps_between or done == watch.steps_per_epoch
        if not is_due or not watch.is_watching(done):
            return
        self._inspected = done
        if hasattr(self.model, "jax_state_sync"):
            self.model.jax_state_sync()
        if not watch.inspect(done):
            raise StoppedByHealth


def chance_loss(model: keras.Model, targets: np.ndarray) -> float:
    """The loss of the best constant answer to the targets; NaN where it is not to be told.

    Args:
        model: compiled, with one output of class probabilities `(batch, classes)`, one probability
            `(batch, 1)`, or numbers `(batch, targets)`.
        targets: class numbers `(samples,)`, or numbers `(samples, targets)`.
    """
    targets = np.asarray(targets[:_CHANCE_SAMPLES])
    try:
        units = int(model.outputs[0].shape[-1])
        if np.issubdtype(targets.dtype, np.integer) and units > 1:
            answer = np.bincount(targets.reshape(-1), minlength=units) / len(targets)
        else:
            answer = targets.reshape(len(targets), -1).mean(axis=0)
        constant = np.tile(answer.astype("float32"), (len(targets), 1))
        if constant.shape[1] != units:
            return math.nan
        loss = model.compute_loss(y=keras.ops.convert_to_tensor(targets), y_pred=constant)
        return float(keras.ops.convert_to_numpy(loss))
    except (AttributeError, IndexError, TypeError, ValueError):
        return math.nan
