"""`status`, `data` and `sync`: looking at a study and at data sets, and sending what waits."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

StudyArgument = Annotated[str | None, typer.Argument(help="The study; by default the latest one.")]
Directory = Annotated[Path, typer.Option(help="Folder that holds the studies.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]

STUDIES = Path("arnn-studies")


def status(
    study: StudyArgument = None,
    directory: Directory = STUDIES,
    all_studies: Annotated[bool, typer.Option("--all", help="One line for each study.")] = False,
    last: Annotated[int, typer.Option(min=1, help="List so many trials, the last ones.")] = 50,
    json_output: Json = False,
) -> None:
    """Show how far a study has come, also while it runs."""
    from rich.console import Console

    from arnn_search.cli.tables import (
        counts_text,
        leaderboard_table,
        study_as_dict,
        test_score_text,
        trials_table,
    )
    from arnn_search.studies.layout import all_layouts
    from arnn_search.studies.study import Study

    console = Console(highlight=False)
    if all_studies:
        found = [Study(layout.name, directory=directory) for layout in all_layouts(directory)]
        if json_output:
            typer.echo(json.dumps([study_as_dict(one) for one in found], indent=2))
            return
        for one in found:
            state = "running" if one.is_running else "not running"
            console.print(f"{one.name}: {state}, {counts_text(one.counts)} of {one.config.trials} trials")
        return
    shown = Study(study, directory=directory)
    if json_output:
        typer.echo(json.dumps(study_as_dict(shown), indent=2))
        return
    counts = shown.counts
    goals = ", ".join(f"{direction} {name}" for name, direction in shown.objectives.items())
    state = "is running" if shown.is_running else "is not running"
    console.print(
        f"Study [bold]{shown.name}[/] {state}: {counts_text(counts)} of {shown.config.trials} trials; "
        f"{goals}; {shown.attributes['space']} on {shown.attributes['data']}."
    )
    listed = shown.latest(last)
    console.print(trials_table(shown, listed))
    if len(listed) < counts.total():
        console.print(f"The last {last} of {counts.total()} trials, and those that run; --last N for others.")
    if leaders := shown.leaders(3):
        console.print(leaderboard_table(shown, leaders))
        if test := test_score_text(shown):
            console.print(test, markup=False)


def data(json_output: Json = False) -> None:
    """List the data sets that --data takes by name."""
    from arnn_search.data import available_sources

    sources = available_sources()
    if json_output:
        rows: list[dict[str, Any]] = [
            {"name": source.name, "description": source.description, "is_local": source.is_local}
            for source in sources
        ]
        typer.echo(json.dumps(rows, indent=2))
        return
    for source in sources:
        here = "" if source.is_local else " (needs a network)"
        typer.echo(f"{source.name:<16} {source.description}{here}")
    typer.echo("Or a file (.npz, .csv, .parquet), or a folder with one subfolder of images per class.")


def sync(
    study: StudyArgument = None,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="Send everything again, to a store that has lost it.")
    ] = False,
    directory: Directory = STUDIES,
    json_output: Json = False,
) -> None:
    """Send to MLflow what it has not taken yet, and render the dashboards there."""
    from arnn_search.errors import TrackingError
    from arnn_search.studies.layout import find_layout
    from arnn_search.tracking import find_study
    from arnn_search.tracking import sync as send
    from arnn_search.tracking.dashboards.publication import Publication

    layout = find_layout(directory, study)
    report = send(layout.tracking, from_start=from_start)
    if json_output:
        typer.echo(json.dumps(vars(report), indent=2))
    else:
        typer.echo(f"{report.delivered} records sent to {report.tracking_uri}, {report.remaining} remain.")
    if report.remaining:
        raise TrackingError(report.error or f"{report.remaining} records could not be sent yet.")
    location = find_study(report.tracking_uri, report.study)
    if location is not None:
        for warning in Publication(report.tracking_uri, location, directory=Path.cwd(), cache=None).run():
            typer.secho(warning, fg="yellow", err=True)
