"""Exporting a trial's model as a stock Keras file that gives the recorded score."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from arnn_search.errors import ExportError
from arnn_search.execution.local import LocalExecutor
from arnn_search.export.verify import evaluate_in_clean_process

if TYPE_CHECKING:
    from arnn_search.studies.study import Study, Trial

TOLERANCE = 1e-4
"""How far a reloaded model's score may be from the recorded one, relative to 1 or to the score if larger."""


@dataclass(frozen=True)
class ExportReport:
    """What was exported, and how it was checked.

    Attributes:
        path: the file.
        study: the study's name.
        trial: the trial's number.
        metric: the metric that was compared.
        recorded: its value when the trial was run, on the validation part.
        verified: its value when the file was loaded in a clean process.
        folded: whether it holds stock Keras layers only.
    """

    path: Path
    study: str
    trial: int
    metric: str
    recorded: float
    verified: float
    folded: bool


def export_trial(
    study: "Study", path: Path, *, trial: int | None = None, fold: bool = True, overwrite: bool = False
) -> ExportReport:
    """Writes a trial's model, loads it in a clean process, and compares the score.

    Args:
        study: the study.
        path: ends in `.keras`; its folder is created.
        trial: the trial's number; None for the best completed one.
        fold: whether auto-rotating layers become stock Keras layers, so that the file loads anywhere.
        overwrite: whether an existing file may be replaced.

    Raises:
        StudyError: there is no such trial, or none has completed.
        ExportError: the model is not kept, the file exists, or it does not give the recorded score; then no
            file is left behind.
    """
    if path.suffix != ".keras":
        raise ExportError(f"The file must end in .keras. Received: {str(path)!r}.")
    if path.exists() and not overwrite:
        raise ExportError(f"{path} exists already. Give another name, or --force to replace it.")
    chosen = study.best_trial if trial is None else study.trial(trial)
    if chosen.model is None:
        raise ExportError(_why_no_model(study, chosen))
    metric = _comparable_metric(study, chosen)
    path.parent.mkdir(parents=True, exist_ok=True)
    unverified = path.with_name(f".{path.stem}.unverified.keras")
    try:
        if fold:
            with LocalExecutor(backend=study.config.backend) as executor:
                executor.call("arnn_search.export.write:write_folded", chosen.model, unverified)
        else:
            unverified.write_bytes(chosen.model.read_bytes())
        found = evaluate_in_clean_process(
            unverified,
            study.data_directory,
            batch_size=study.config.batch_size,
            backend=study.config.backend,
            stock=fold,
        )
        recorded, verified = chosen.metrics[f"val_{metric}"], found[metric]
        # Not `>`: a score that is not a number agrees with nothing.
        if not abs(recorded - verified) <= TOLERANCE * max(1.0, abs(recorded)):
            raise ExportError(
                f"The exported model of trial {chosen.number} does not give the recorded score: val_{metric} "
                f"was {recorded:.6f}, the file gives {verified:.6f}. No file was written."
            )
        unverified.replace(path)
    finally:
        unverified.unlink(missing_ok=True)
    return ExportReport(
        path, study.name, chosen.number, f"val_{metric}", float(recorded), float(verified), folded=fold
    )


def _comparable_metric(study: "Study", trial: "Trial") -> str:
    """The score itself where it can be measured again, else the validation loss."""
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
        f"are (--keep-models). {there}"
    )
