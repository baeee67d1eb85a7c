"""`run`, `resume` and `init`: starting a study, going on with one, and writing its configuration."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from arnn_search.cli.options import check_effect, configuration_options
from arnn_search.cli.plan import print_plan
from arnn_search.errors import ConfigurationError
from arnn_search.studies.config import StudyConfig
from arnn_search.studies.config_file import config_as_toml, read_config_file

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@configuration_options()
def run(
    config_file: Annotated[
        Path | None, typer.Argument(metavar="STUDY.TOML", help="A configuration file; flags beat it.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the study --study, or with the latest one.")
    ] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Only print what would run, where, and why.")] = False,
    quiet: Quiet = False,
    json_output: Json = False,
    **values: Any,
) -> None:
    """Run a study: search a space for the best architecture.

    With no argument: the space conv-classifier on scikit-learn's digits, 8 trials of 5 epochs, on every
    device there is. Ctrl-C lets the running trials finish; once more ends them. Either can be resumed.
    """
    flags = values
    if config_file is not None:
        values = read_config_file(config_file) | values
    check_effect(flags, _resolved(values, resume=resume))
    if plan:
        print_plan(values, resume=resume, json_output=json_output)
        return
    _run(values, resume=resume, quiet=quiet, json_output=json_output)


@configuration_options(exclude=("study",))
def resume(
    study: Annotated[str | None, typer.Argument(help="The study; by default the latest one.")] = None,
    quiet: Quiet = False,
    json_output: Json = False,
    **values: Any,
) -> None:
    """Go on with a study that was interrupted, or give it more trials (--trials)."""
    check_effect(values, _resolved(values | {"study": study}, resume=True))
    _run(values | {"study": study}, resume=True, quiet=quiet, json_output=json_output)


def init(
    path: Annotated[Path, typer.Argument(help="The file to write.")] = Path("study.toml"),
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
) -> None:
    """Write a commented study.toml with every key and its default."""
    if path.exists() and not force:
        raise ConfigurationError(f"{path} exists already. Give another name, or --force to replace it.")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(config_as_toml(StudyConfig(), commented=True))
    typer.echo(f"Wrote {path}. Run it with: arnn-search run {path}")


def _resolved(values: dict[str, Any], *, resume: bool) -> StudyConfig:
    from arnn_search.studies.search import resolve

    config, _ = resolve(values, resume=resume)
    return config


def _run(values: dict[str, Any], *, resume: bool, quiet: bool, json_output: bool) -> None:
    from arnn_search.cli.display import make_display
    from arnn_search.cli.tables import study_as_dict
    from arnn_search.studies.search import run_study

    with make_display(quiet=quiet, to_stderr=json_output) as display:
        study = run_study(values, resume=resume, listener=display)
    if json_output:
        typer.echo(json.dumps(study_as_dict(study), indent=2))
    elif quiet and study.leaderboard:
        best = study.best_trial
        typer.echo(f"{study.name}: best trial {best.number}, {study.metric} {best.value:.4f}")
