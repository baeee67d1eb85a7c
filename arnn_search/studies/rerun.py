"""Running a trial of a study again, from its recorded hyperparameters and seed, and comparing the numbers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from arnn_search.errors import StudyError
from arnn_search.execution import Executor, InlineExecutor, LocalExecutor, Slot, plan_slots
from arnn_search.spaces.parameters import Parameter, Value
from arnn_search.studies.config import StudyConfig
from arnn_search.studies.devices import device_request
from arnn_search.studies.engines.seeds import trial_seed
from arnn_search.studies.study import Study, Trial
from arnn_search.trials.channel import Built, EpochReport, FirstSteps, RungReport, SuggestionError, Verdict
from arnn_search.trials.outcome import TrialOutcome
from arnn_search.trials.task import TrialTask

_NOT_RECORDED = ("gradient_rms/", "limit/")
"""What the ledger leaves out of an epoch."""


@dataclass(frozen=True)
class Rerun:
    """A trial that was run again.

    Attributes:
        study: the study's name.
        trial: the trial's number.
        device: the slot it ran in: `"cpu:0"`.
        metric: the score's name.
        recorded: what the trial reported when it was run, by epoch.
        found: what it reported now.
        same_architecture: whether the same network was built.
    """

    study: str
    trial: int
    device: str
    metric: str
    recorded: Mapping[int, Mapping[str, float]]
    found: Mapping[int, Mapping[str, float]]
    same_architecture: bool

    @property
    def is_equal(self) -> bool:
        """Whether every number of every epoch is the same, to the last bit."""
        return self.same_architecture and self.largest_difference == 0.0

    @property
    def largest_difference(self) -> float:
        """The largest one of all numbers and epochs; infinite where one is missing."""
        if set(self.recorded) != set(self.found):
            return math.inf
        return max(
            (
                abs(value - self.found[epoch].get(name, math.inf))
                for epoch, values in self.recorded.items()
                for name, value in values.items()
            ),
            default=math.inf,
        )


def rerun_trial(study: Study, number: int, *, keep_model: bool = False) -> Rerun:
    """Runs a trial again as the study ran it; nothing that is recorded changes.

    Args:
        study: the study.
        number: the trial's number.
        keep_model: whether its model becomes the trial's, if the numbers are the same.

    Raises:
        StudyError: there is no such trial, it has not ended, or it cannot be run again.
    """
    trial = _finished(study, number)
    slot = recorded_slot(study.config, trial)
    recorded = study.epochs_of(number)
    session = _Replay(trial.parameters, stop_after=max(recorded) if trial.state == "pruned" else None)
    task = make_task(study, trial, subfolder="rerun")
    task.directory.mkdir(parents=True, exist_ok=True)
    with make_executor(study.config) as executor:
        executor.submit(task, slot, session)
        while session.outcome is None:
            executor.poll(0.25)
    if session.outcome.state not in ("completed", "pruned"):
        raise StudyError(
            f"Trial {number} of {study.name!r} could not be run again: {session.outcome.reason}. "
            f"{session.outcome.message}"
        )
    result = Rerun(
        study.name,
        number,
        slot.name,
        study.metric,
        recorded,
        session.epochs,
        session.architecture == trial.architecture,
    )
    if keep_model and task.model_path.is_file():
        if not result.is_equal:
            raise StudyError(
                f"Trial {number} gave other numbers than recorded (by up to "
                f"{result.largest_difference:.2g}), so its model was not made the trial's. It is in "
                f"{task.model_path}."
            )
        task.model_path.replace(study.layout.trial(number) / "model.keras")
    return result


def make_task(study: Study, trial: Trial, *, subfolder: str, seed: int | None = None) -> TrialTask:
    """The task of a trial of a study, writing into a folder below the trial's own.

    Args:
        study: the study; its own copy of the search space is used.
        trial: the trial.
        subfolder: the folder's name.
        seed: another seed than the trial's.
    """
    config = study.config
    _ = study.data_spec  # raises if the prepared data are gone
    return TrialTask(
        number=trial.number,
        seed=trial_seed(config.seed, trial.number) if seed is None else seed,
        space=study.layout.space,
        data=study.data_directory,
        directory=study.layout.trial(trial.number) / subfolder,
        epochs=config.epochs,
        batch_size=trial.batch_size or config.batch_size,
        metric=study.metric,
        direction="minimize" if study.direction == "minimize" else "maximize",
        precision=config.precision,
        steps_per_execution=config.steps_per_execution,
        deterministic=config.deterministic,
        telemetry=config.telemetry,
        checkpoints=False,
    )


def make_executor(config: StudyConfig) -> Executor:
    """Runs trials where the study's own were run."""
    return InlineExecutor() if config.executor == "inline" else LocalExecutor(backend=config.backend)


def recorded_slot(config: StudyConfig, trial: Trial) -> Slot:
    """The slot in which the trial was run, or the first one where there is none of that name."""
    slots = plan_slots(device_request(config)).slots
    return next((slot for slot in slots if slot.name == trial.device), slots[0])


def _finished(study: Study, number: int) -> Trial:
    trial = study.trial(number)
    if trial.state not in ("completed", "pruned", "infeasible") or not trial.epochs:
        raise StudyError(
            f"Trial {number} of {study.name!r} cannot be run again: it is {trial.state}. `arnn-search resume "
            f"{study.name}` goes on with trials that were interrupted."
        )
    return trial


@dataclass
class _Replay:
    """The other side of a trial that is run again: answers as recorded, and keeps what it is told."""

    parameters: Mapping[str, Value]
    stop_after: int | None
    epochs: dict[int, dict[str, float]] = field(default_factory=dict)
    architecture: str = ""
    outcome: TrialOutcome | None = None

    def suggest(self, parameter: Parameter) -> Value:
        if parameter.name not in self.parameters:
            raise SuggestionError(f"The trial has no recorded value of {parameter.name!r}.")
        return self.parameters[parameter.name]

    def report(self, report: EpochReport) -> str | None:
        self.epochs[report.epoch] = {
            name: value
            for name, value in report.metrics.items()
            if math.isfinite(value) and not name.startswith(_NOT_RECORDED)
        }
        return "pruner" if report.epoch == self.stop_after else None

    def built(self, built: Built) -> Verdict:
        self.architecture = built.architecture
        return Verdict()

    def probed(self, metrics: Mapping[str, float]) -> None:
        """A repetition is trained, as the trial was."""

    def competed(self, report: FirstSteps) -> bool:
        """A repetition's values are settled: there is nothing else to build."""
        return False

    def raced(self, report: RungReport) -> None:
        """A repetition runs alone."""

    def checkpoint(self, path: Path, epoch: int) -> None:
        """A repetition keeps none."""

    def event(self, name: str, details: Mapping[str, Any]) -> None:
        """Nothing that a repetition is judged by."""

    def finish(self, outcome: TrialOutcome) -> None:
        self.outcome = outcome
