"""Running an experiment: as a study like any other, and then as a result."""

import math
from pathlib import Path
from typing import Any

from arnn_search.errors import StudyError
from arnn_search.matched.collect import collect
from arnn_search.matched.studies import attach_files, matched_configuration, num_ended, versions_of
from arnn_search.reproduce.baselines import regression_baselines
from arnn_search.reproduce.experiment import Setting
from arnn_search.reproduce.figure import draw
from arnn_search.reproduce.result import Result, make_result, write_result
from arnn_search.studies.listener import StudyListener
from arnn_search.studies.search import run_study
from arnn_search.studies.study import Study


def reproduce(
    setting: Setting,
    *,
    command: str,
    out: Path,
    listener: StudyListener | None = None,
    **running: Any,
) -> tuple[Result, list[Path], str | None]:
    """Trains every network from every seed, and says what that says of the claims.

    It is a study: interrupted, the same call goes on with it; finished, it is only read again; and with more
    seeds than before it trains those.

    Args:
        setting: the experiment with everything chosen.
        command: what the user typed, for the record.
        out: the folder for `result.json`, `result.md`, `figure.svg` and `figure.png`.
        listener: is told what happens.
        **running: keys of `study.toml` that say how a study is run, such as `directory` or `workers`.

    Returns:
        The result, the files, and what did not reach MLflow, in words.

    Raises:
        ArnnSearchError: something that was given cannot be used, or no seed was completed.
    """
    study = run_study(_configuration(setting) | running, listener=listener)
    if num_ended(study) < setting.num_trials:
        raise StudyError(
            f"Study {study.name!r} was stopped before its end. The same command goes on with it."
        )
    result = read_result(study, setting, command=command)
    files = [*write_result(result, out), *draw(result, out)]
    return result, files, attach_files(study, files, folder="reproduction")


def read_result(study: Study, setting: Setting, *, command: str) -> Result:
    """The result of a study that has run."""
    experiment = setting.experiment
    spec = study.data_spec
    return make_result(
        setting,
        collect(study, experiment.networks, num_seeds=setting.size.seeds, with_test=experiment.with_test),
        command=command,
        score=study.metric,
        train_samples=spec.num_train,
        baselines=regression_baselines(study.data_directory) if experiment.with_test else {},
        versions=versions_of(study),
        seconds=math.fsum(trial.seconds for trial in study.trials[: setting.num_trials]),
    )


def _configuration(setting: Setting) -> dict[str, Any]:
    experiment, size = setting.experiment, setting.size
    fixed = {"activation": setting.activation} if setting.activation else {}
    return matched_configuration(experiment.networks, num_seeds=size.seeds, fixed=fixed) | {
        "study": setting.study_name,
        "space": str(experiment.space_file),
        "data": setting.data,
        "max_train_samples": size.max_train_samples,
        "keep_models": setting.num_trials if experiment.with_test else 1,
        "epochs": size.epochs,
        "batch_size": experiment.batch_size,
    }
