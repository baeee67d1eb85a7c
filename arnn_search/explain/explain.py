"""Running an explanation: a study of its own, whose trials are the variants from matched seeds."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from arnn_search.errors import ConfigurationError, StudyError
from arnn_search.explain.explanation import Explanation, conclude, effects_of, write_explanation
from arnn_search.explain.figure import draw
from arnn_search.explain.space_file import write_space_file
from arnn_search.explain.variants import Variant
from arnn_search.matched.collect import collect
from arnn_search.matched.studies import attach_files, matched_configuration, num_ended, versions_of
from arnn_search.studies.listener import StudyListener
from arnn_search.studies.rerun import make_executor
from arnn_search.studies.search import run_study
from arnn_search.studies.study import Study, Trial

_AS_IN_THE_STUDY = (
    "data",
    "target",
    "task",
    "scaling",
    "validation",
    "test",
    "max_train_samples",
    "seed",
    "batch_size",
    "precision",
    "backend",
    "steps_per_execution",
    "deterministic",
)
_LONGEST_NAME = 100
_ARTIFACT_FOLDER = "explanation"


def explain(
    study: Study,
    *,
    trial: int | None = None,
    seeds: int = 5,
    epochs: int | None = None,
    budget: float | None = None,
    command: str,
    out: Path | None = None,
    listener: StudyListener | None = None,
    **running: Any,
) -> tuple[Explanation, list[Path], str | None]:
    """Trains a trial's network as it was found and with its rotation exchanged, and compares the scores.

    It is a study: interrupted, or at the end of its budget, the same call goes on with it; finished, it is
    only read again; and with more seeds than before it trains those.

    Args:
        study: the study.
        trial: the trial's number; None for the best one.
        seeds: from how many seeds every variant is trained, at least 1; an interval takes two.
        epochs: of each training; None for the study's.
        budget: seconds after which no training starts any more in this call; None for no limit. What is said
            then is of the seeds that are complete.
        command: what the user typed, for the record.
        out: the folder for `explanation.json`, `.md`, `.svg`, `.png` and the search space `variants.py`; None
            for `explanations/STUDY`.
        listener: is told what happens.
        **running: keys of `study.toml` that say how a study is run, such as `directory` or `workers`.

    Returns:
        The explanation, the files, and what did not reach MLflow, in words.

    Raises:
        ArnnSearchError: something that was given cannot be used, the trial has no rotating layer, or the
            budget ended before any seed was complete.
    """
    for name, value in (("seeds", seeds), ("epochs", epochs)):
        if value is not None and value < 1:
            raise ConfigurationError(f"--{name} must be at least 1. Received: {value}.")
    explained = study.best_trial if trial is None else study.trial(trial)
    variants = _variants(study, explained)
    name = f"{study.name}-trial-{explained.number}-explained"
    if epochs is not None and epochs != study.config.epochs:
        name += f"-{epochs}-epochs"
    name = name[-_LONGEST_NAME:].lstrip("._-")
    out = out or Path("explanations") / name
    space_file = (out / "variants.py").resolve()
    write_space_file(
        space_file,
        title=f"Trial {explained.number} of {study.name}, and with the rotation of its layers exchanged.",
        source=study.layout.space.read_text(encoding="utf-8"),
        parameters=explained.parameters,
        variants=variants,
    )
    networks = [variant.network for variant in variants]
    config = study.config
    trained = run_study(
        {key: getattr(config, key) for key in _AS_IN_THE_STUDY}
        | matched_configuration(networks, num_seeds=seeds)
        | {
            "study": name,
            "space": str(space_file),
            "objective": study.metric,
            "direction": study.objectives[study.metric],
            "epochs": epochs or config.epochs,
            "keep_models": 1,
            "timeout": budget,
            "mlflow": config.mlflow,
            "tracking_uri": config.tracking_uri,
            "experiment": config.experiment,
        }
        | running,
        listener=listener,
    )
    explanation = _read(
        trained, variants, study=study, trial=explained, asked_seeds=seeds, budget=budget, command=command
    )
    files = [*write_explanation(explanation, out), *draw(explanation, out), out / space_file.name]
    return explanation, files, _attach(files, trained=trained, explained=study)


def _variants(study: Study, trial: Trial) -> list[Variant]:
    if trial.state != "completed":
        raise StudyError(
            f"Trial {trial.number} of {study.name!r} is {trial.state}: only a completed one can be explained."
        )
    _ = study.data_spec  # raises if the prepared data are gone
    with make_executor(study.config) as executor:
        variants: list[Variant] = executor.call(
            "arnn_search.explain.build:find_variants",
            study.layout.space,
            study.data_directory,
            trial.parameters,
        )
    if not variants:
        family = f", its family is {trial.family}" if trial.family else ""
        raise StudyError(
            f"No layer of trial {trial.number} of {study.name!r} rotates{family}: there is nothing to "
            "exchange. --trial takes another one."
        )
    return variants


def _read(
    trained: Study,
    variants: Sequence[Variant],
    *,
    study: Study,
    trial: Trial,
    asked_seeds: int,
    budget: float | None,
    command: str,
) -> Explanation:
    networks = [variant.network for variant in variants]
    ended = num_ended(trained)
    if ended < len(variants):
        why = "the budget ended" if budget is not None else "it was stopped"
        raise StudyError(
            f"{trained.name!r} has trained {ended} of the {len(variants)} networks of its first seed when "
            f"{why}. The same command goes on with it."
        )
    outcomes = collect(trained, networks, num_seeds=asked_seeds)
    larger_is_better = trained.direction == "maximize"
    effects = effects_of(outcomes, larger_is_better=larger_is_better)
    return Explanation(
        study=study.name,
        trial=trial.number,
        explained_in=trained.name,
        metric=trained.metric,
        larger_is_better=larger_is_better,
        seeds=len(outcomes.seeds),
        asked_seeds=asked_seeds,
        epochs=trained.config.epochs,
        effects=effects,
        conclusion=conclude(effects, metric=trained.metric),
        command=command,
        versions=versions_of(trained),
        seconds=math.fsum(one.seconds for one in trained.trials if math.isfinite(one.seconds)),
    )


def _attach(files: Sequence[Path], *, trained: Study, explained: Study) -> str | None:
    """To the run of the variants' study, and to that of the study that is explained unless it is at work."""
    farewell = attach_files(trained, files, folder=_ARTIFACT_FOLDER)
    if explained.is_running:
        return farewell
    return farewell or attach_files(explained, files, folder=f"{_ARTIFACT_FOLDER}/{trained.name}")
