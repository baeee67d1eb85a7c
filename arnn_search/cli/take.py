"""`export`: taking the best model away."""

import json
from pathlib import Path
from typing import Annotated

import typer

from arnn_search.cli.look import STUDIES, Directory, Json, StudyArgument


def export(
    study: StudyArgument = None,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("best.keras"),
    trial: Annotated[int | None, typer.Option(help="The trial; by default the best one.")] = None,
    fold: Annotated[
        bool, typer.Option("--fold/--no-fold", help="Make auto-rotating layers stock Keras layers.")
    ] = True,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
    directory: Directory = STUDIES,
    json_output: Json = False,
) -> None:
    """Write a trial's model as a stock Keras file, and verify that it gives the recorded score."""
    from arnn_search.studies.study import Study

    report = Study(study, directory=directory).export(out, trial=trial, fold=fold, overwrite=force)
    if json_output:
        typer.echo(json.dumps(vars(report) | {"path": str(report.path)}, indent=2))
        return
    typer.echo(f"Wrote {report.path}: trial {report.trial} of {report.study}.")
    kind = "stock Keras layers only" if report.folded else "auto-rotating layers kept"
    typer.echo(
        f"Verified in a clean process ({kind}): {report.metric} {report.verified:.6f}, "
        f"recorded {report.recorded:.6f}."
    )
    if report.folded:
        typer.echo(f"Load it anywhere: keras.saving.load_model({str(report.path)!r})")
