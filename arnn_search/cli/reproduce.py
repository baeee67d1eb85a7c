"""`reproduce`: a published result, trained again and judged."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arnn_search.cli.look import STUDIES, Directory, Json

if TYPE_CHECKING:
    from arnn_search.reproduce.result import Result

_STYLES = {"supported": "green", "contradicted": "red", "undecided": "yellow"}


def reproduce(
    experiment: Annotated[
        str | None, typer.Argument(help="poster, arp-mlp, calibration, relu or recurrent; none lists them.")
    ] = None,
    data: Annotated[str | None, typer.Option(help="Data set, where the experiment has a choice.")] = None,
    activation: Annotated[
        str | None, typer.Option(help="sigmoid, tanh or relu, where the experiment has a choice.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs of each network.")] = None,
    seeds: Annotated[int | None, typer.Option(help="From how many seeds each network is trained.")] = None,
    max_train_samples: Annotated[int | None, typer.Option(help="Train on so many samples at most.")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A small run, to see that it works: 2 minutes.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder for table and figure; by default reproductions/STUDY.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Trainings at a time.")] = None,
    tracking_uri: Annotated[str | None, typer.Option(help="MLflow's store, as for `run`.")] = None,
    mlflow: Annotated[bool, typer.Option(help="Track the study in MLflow.")] = True,
    directory: Directory = STUDIES,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
    json_output: Json = False,
) -> None:
    """Train the networks of a published result from the same initial weights, and judge its claims.

    The experiment is a study: an interrupted one goes on with the same command, and more --seeds add to it.
    """
    from arnn_search.reproduce.experiments import EXPERIMENTS, find_experiment

    if experiment is None:
        for entry in EXPERIMENTS.values():
            typer.echo(f"{entry.name:<12} {entry.title}. {entry.source}.")
        return

    from arnn_search.cli.display import make_display
    from arnn_search.reproduce.experiment import make_setting
    from arnn_search.reproduce.reproduce import reproduce as run_experiment

    setting = make_setting(
        find_experiment(experiment),
        data=data,
        activation=activation,
        epochs=epochs,
        seeds=seeds,
        max_train_samples=max_train_samples,
        quick=quick,
    )
    with make_display(quiet=quiet, to_stderr=json_output) as display:
        result, files, farewell = run_experiment(
            setting,
            command=" ".join(["arnn-search", *sys.argv[1:]]),
            out=out or Path("reproductions") / setting.study_name,
            listener=display,
            directory=directory,
            workers=workers,
            tracking_uri=tracking_uri,
            mlflow=mlflow,
        )
    if json_output:
        typer.echo(result.as_json())
        return
    _print(result)
    for path in files:
        typer.echo(f"Wrote {path}")
    if farewell:
        typer.secho(farewell, fg="yellow")


def _print(result: "Result") -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    headings, rows = result.as_rows()
    table = Table(header_style="bold", box=SIMPLE_HEAD, title=f"{result.title}, {result.seeds} seeds")
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "network" else "right")
    for row in rows:
        table.add_row(*row)
    console.print(table)
    for verdict in result.verdicts:
        style = _STYLES[verdict.judgement]
        console.print(f"{verdict.claim}: [{style}]{verdict.judgement}[/]. {verdict.evidence}.")
