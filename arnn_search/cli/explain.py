"""`explain`: is it the rotation that made a trial good?"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arnn_search.cli.look import STUDIES, Directory, Json, StudyArgument

if TYPE_CHECKING:
    from arnn_search.explain.explanation import Explanation

_STYLES = {"better": "green", "worse": "red"}
_WIDE = 120


def explain(
    study: StudyArgument = None,
    trial: Annotated[int | None, typer.Option(help="The trial; by default the best one.")] = None,
    seeds: Annotated[int, typer.Option(help="From how many seeds each network is trained.")] = 5,
    epochs: Annotated[
        int | None, typer.Option(help="Epochs of each network; by default the study's.")
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(help="Start no training any more after this time: 90s, 20m, 1.5h, or seconds."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for table and figure; by default explanations/STUDY.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Trainings at a time.")] = None,
    directory: Directory = STUDIES,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
    json_output: Json = False,
) -> None:
    """Train a trial's network again with its rotation exchanged, and say what that does to its score.

    Each rotating layer in turn, and all of them, become classic layers, classic layers with batch
    normalisation, and layers with a learned limit where it was fixed (or the reverse), from the same initial
    weights. It is a study: after an interruption or the end of its budget the same command goes on.
    """
    from arnn_search.cli.display import make_display
    from arnn_search.cli.durations import parse_duration
    from arnn_search.explain.explain import explain as run_explanation
    from arnn_search.studies.study import Study

    seconds = None if budget is None else parse_duration("--budget", budget)
    with make_display(quiet=quiet, to_stderr=json_output, result=False) as display:
        explanation, files, farewell = run_explanation(
            Study(study, directory=directory),
            trial=trial,
            seeds=seeds,
            epochs=epochs,
            budget=seconds,
            command=" ".join(["arnn-search", *sys.argv[1:]]),
            out=out,
            listener=display,
            directory=directory,
            workers=workers,
        )
    if json_output:
        typer.echo(explanation.as_json())
        return
    _print(explanation)
    for path in files:
        typer.echo(f"Wrote {path}")
    if farewell:
        typer.secho(farewell, fg="yellow")


def _print(explanation: "Explanation") -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    headings, rows = explanation.as_rows()
    title = f"Trial {explanation.trial} of {explanation.study}, {explanation.seeds} seeds"
    table = Table(header_style="bold", box=SIMPLE_HEAD, title=title, padding=(0, 1, 0, 0))
    # Of a narrow terminal the names come first, and which layer is meant must be seen.
    shown = len(headings) if console.width >= _WIDE else headings.index("|V|")
    for heading in headings[:shown]:
        table.add_column(
            heading, justify="left" if heading in ("network", "") else "right", no_wrap=heading != "network"
        )
    for row, effect in zip(rows, explanation.effects, strict=True):
        table.add_row(*row[:shown], style=_STYLES.get(effect.judgement))
    console.print(table)
    console.print(explanation.conclusion, markup=False)
    if explanation.seeds < explanation.asked_seeds:
        console.print(
            f"{explanation.seeds} of {explanation.asked_seeds} seeds are complete. The same command goes on."
        )
