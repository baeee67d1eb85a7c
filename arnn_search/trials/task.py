"""What a trial is told to do: plain data, so that it can be sent to any process or machine."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from arnn_search.health.race import StepRace
from arnn_search.health.rule import HealthRule

CHECKPOINT_NAME = "checkpoint.npz"


@dataclass(frozen=True)
class TrialTask:
    """One attempt at one trial. Which device it runs on is the slot's business, not the task's.

    Attributes:
        number: the trial's number in its study, from 0.
        attempt: 1, and more when the trial is run again after a crash.
        seed: seeds weights, shuffling and dropout; the same in every attempt.
        space: the search space's file.
        data: the folder of the prepared data.
        directory: where the trial writes its files (`model.keras`, `gradients.npz`, `log.txt`).
        epochs: up to which epoch to train.
        batch_size: samples per training step.
        metric: the reported metric that is the trial's score.
        direction: whether a larger score is better.
        precision: Keras' dtype policy, for example `"float32"` or `"mixed_bfloat16"`.
        steps_per_execution: training steps per call of the compiled function; 0 lets the trial choose.
        deterministic: whether operations must give the same numbers in every run.
        telemetry: whether gradients are followed.
        initial_epoch: how many epochs an earlier trial of the same architecture has trained already; unless
            it is 0, that trial's weights are in `initial_weights_path`.
        measure_latency: whether to measure how long the model takes for one sample.
        keep_weights: whether to leave the weights in `weights_path`, for a later trial to go on with.
        checkpoints: whether to keep the state of the running trial in `checkpoint_path`.
        probe: whether to measure health at initialisation even where the training step must be compiled once
            more for it; where it need not be, it is measured anyway.
        health_rule: stops the trial in its first epoch for its gradients; None: nothing does.
        step_race: asks the supervisor at some of the first steps whether to go on; None: it does not.
    """

    number: int
    seed: int
    space: Path
    data: Path
    directory: Path
    epochs: int
    batch_size: int
    metric: str
    direction: Literal["maximize", "minimize"]
    attempt: int = 1
    precision: str = "float32"
    steps_per_execution: int = 0
    deterministic: bool = True
    telemetry: bool = True
    measure_latency: bool = False
    initial_epoch: int = 0
    keep_weights: bool = False
    checkpoints: bool = True
    probe: bool = False
    health_rule: HealthRule | None = None
    step_race: StepRace | None = None

    @property
    def weights_path(self) -> Path:
        """The weights of the best epoch, for a later trial to go on with."""
        return self.directory / "kept_weights.npz"

    @property
    def initial_weights_path(self) -> Path:
        """The weights of an earlier trial that this one goes on with."""
        return self.directory / "initial_weights.npz"

    @property
    def checkpoint_path(self) -> Path:
        """The state of the trial while it runs, for another attempt to go on from."""
        return self.directory / CHECKPOINT_NAME

    @property
    def model_path(self) -> Path:
        """The trained architecture with the weights of its best epoch."""
        return self.directory / "model.keras"

    @property
    def gradients_path(self) -> Path:
        """The gradient statistics of all layers and epochs."""
        return self.directory / "gradients.npz"
