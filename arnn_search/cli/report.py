"""`report`: a study in one file, to send to somebody."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from arnn_search.cli.look import STUDIES, Directory, Json, StudyArgument


def report(
    study: StudyArgument = None,
    out: Annotated[
        Path | None, typer.Option(help="The file to write; by default report.html or report.md.")
    ] = None,
    format_: Annotated[
        Literal["html", "md"], typer.Option("--format", help="html: every dashboard; md: the gist as tables.")
    ] = "html",
    directory: Directory = STUDIES,
    json_output: Json = False,
) -> None:
    """Write a study into one self-contained file: every dashboard, or the gist as Markdown."""
    from arnn_search.errors import StudyError
    from arnn_search.studies.study import Study
    from arnn_search.tracking import write_report

    shown = Study(study, directory=directory)
    uri = shown.attributes.get("tracking_uri")
    if not uri:
        raise StudyError(f"Study {shown.name!r} was run with mlflow = false; there is nothing to report.")
    path = out or Path(f"report.{format_}")
    write_report(uri, shown.name, path, markdown=format_ == "md")
    typer.echo(json.dumps({"study": shown.name, "path": str(path)}) if json_output else f"Wrote {path}.")
