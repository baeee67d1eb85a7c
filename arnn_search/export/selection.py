"""Which trials are taken out of a study, and whether they can be."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from arnn_search.errors import ExportError

if TYPE_CHECKING:
    from arnn_search.studies.study import Study, Trial


def choose_trial(study: "Study", number: int | None) -> "Trial":
    """The trial of this number, or the best one.

    Raises:
        StudyError: there is no such trial, or none has completed.
        ExportError: the study still runs.
    """
    check_finished(study)
    return study.best_trial if number is None else study.trial(number)


@dataclass(frozen=True)
class Selected:
    """A model of a trial, and the score that it must give again.

    Attributes:
        model: the file.
        metric: the name of a metric as Keras reports it, without the part.
        recorded: its value.
        part: the part of the data on which it was taken.
    """

    model: Path
    metric: str
    recorded: float
    part: Literal["validation", "test"]

    @property
    def metric_name(self) -> str:
        """The metric with its part: `"val_accuracy"`."""
        return f"{'val' if self.part == 'validation' else 'test'}_{self.metric}"


def select_model(study: "Study", trial: "Trial", *, refit: bool) -> Selected:
    """The model that the trial was scored with, or the first one that it was retrained to.

    Raises:
        ExportError: there is none, or nothing to compare it with.
    """
    if not refit:
        if trial.model is None:
            raise ExportError(_why_no_model(study, trial))
        metric = comparable_metric(study, trial)
        return Selected(trial.model, metric, float(trial.metrics[f"val_{metric}"]), "validation")
    from arnn_search.studies.refit import read_refit, refit_models

    found = read_refit(study.layout, trial.number)
    if found is None or not refit_models(study.layout, found)[0].is_file():
        raise ExportError(
            f"Trial {trial.number} of {study.name!r} was not retrained. `arnn-search rerun {study.name} "
            f"--trial {trial.number} --refit` does it."
        )
    metric = "accuracy" if "accuracy" in found.test else "loss"
    return Selected(refit_models(study.layout, found)[0], metric, found.test[metric].values[0], "test")


def pareto_trials(study: "Study") -> list["Trial"]:
    """The trials whose models are kept and that no other one beats in both score and number of weights.

    Of a study of several objectives, those that no other one beats in all of them.

    Raises:
        ExportError: the study still runs, or no model is kept.
    """
    check_finished(study)
    kept = [trial for trial in study.leaderboard if trial.model is not None]
    if not kept:
        raise ExportError(f"Study {study.name!r} has kept no model. `arnn-search status` shows its trials.")
    if len(study.objectives) > 1:
        return kept  # the leaderboard is the front already
    front: list[Trial] = []
    for trial in kept:  # best first: a later one is on the front if it is smaller than all before
        if all(trial.num_parameters < better.num_parameters for better in front):
            front.append(trial)
    return front


def check_finished(study: "Study") -> None:
    """Raises an `ExportError` while a supervisor is at work: what is best, and kept, may still change."""
    if study.is_running:
        raise ExportError(
            f"Study {study.name!r} is still running: its best trial and the models it keeps may change. Wait "
            "for its end, or end it with Ctrl-C; it can be resumed after the export."
        )


def comparable_metric(study: "Study", trial: "Trial") -> str:
    """The score itself where it can be measured again, else the validation accuracy or loss.

    Raises:
        ExportError: the trial has none of them.
    """
    for name in (study.metric, "val_accuracy", "val_loss"):
        if name.startswith("val_") and math.isfinite(trial.metrics.get(name, math.nan)):
            return name.removeprefix("val_")
    raise ExportError(f"Trial {trial.number} has no validation score to compare an exported model with.")


def _why_no_model(study: "Study", trial: "Trial") -> str:
    kept = [str(other.number) for other in study.trials if other.model is not None]
    there = f"Models are kept of the trials {', '.join(kept)}." if kept else "No model is kept."
    if trial.state != "completed":
        return f"Trial {trial.number} of {study.name!r} has no model: it is {trial.state}. {there}"
    return (
        f"The model of trial {trial.number} was not kept: only those of the {study.config.keep_models} best "
        f"are (--keep-models). {there} `arnn-search rerun {study.name} --trial {trial.number} --keep-model` "
        "trains it again."
    )
