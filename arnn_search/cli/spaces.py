"""`spaces list | show | new | check`: search spaces as files."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from arnn_search.errors import SpaceError

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]

app = typer.Typer(help="List, show, start and check search spaces.", no_args_is_help=True)


@app.command("list")
def list_spaces(json_output: Json = False) -> None:
    """List the spaces that can be named: ./search_spaces, the built-in ones, installed plugins."""
    from arnn_search.spaces.discovery import find_spaces

    found = find_spaces()
    if json_output:
        rows = [
            {"name": None, "error": str(space)}
            if isinstance(space, SpaceError)
            else {
                "name": space.name,
                "origin": space.origin,
                "path": str(space.path),
                "summary": space.summary,
            }
            for space in found
        ]
        typer.echo(json.dumps(rows, indent=2))
        return
    for space in found:
        if isinstance(space, SpaceError):
            typer.secho(f"unusable: {space}", fg="red")
        else:
            typer.echo(f"{space.name:<18} {space.summary} [{space.origin}]")


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A name, or a .py file.")], json_output: Json = False
) -> None:
    """Print a space's file."""
    from arnn_search.spaces.discovery import find_space

    space = find_space(name)
    if json_output:
        fields = {key: str(value) for key, value in vars(space).items()}
        typer.echo(json.dumps(fields | {"sha256": space.digest}, indent=2))
        return
    typer.secho(f"# {space.path} ({space.origin})", dim=True)
    typer.echo(space.text)


@app.command()
def new(name: Annotated[str, typer.Argument(help="The new space's name, for example my-cnn.")]) -> None:
    """Write a commented start into ./search_spaces."""
    from arnn_search.spaces.scaffold import write_new_space

    path = write_new_space(name, Path.cwd())
    shown = path.relative_to(Path.cwd())
    typer.echo(f"Wrote {shown}. Check it with: arnn-search spaces check {shown}")


@app.command()
def check(
    path: Annotated[str, typer.Argument(help="A .py file, or the name of a space.")],
    data: Annotated[str, typer.Option(help="The data to fit.")] = "digits",
    target: Annotated[str | None, typer.Option(help="Target column of a table.")] = None,
    samples: Annotated[int, typer.Option(min=1, help="How many architectures to try.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Seeds which ones.")] = 0,
    json_output: Json = False,
) -> None:
    """Build sampled architectures and take one training step of each; say what is wrong, by line."""
    from arnn_search.cli.tables import parameter_text
    from arnn_search.execution.local import LocalExecutor
    from arnn_search.spaces.discovery import find_space
    from arnn_search.studies.layout import data_cache

    space = find_space(path)
    with LocalExecutor() as executor:
        prepared = executor.call(
            "arnn_search.data:prepare",
            data,
            target=target,
            cache_directory=data_cache(Path("arnn-studies").resolve()),
        )
        tried = executor.call(
            "arnn_search.trials.rehearse:rehearse",
            space.path,
            prepared.directory,
            samples=samples,
            seed=seed,
        )
    problems = [one for one in tried if one.problem]
    if json_output:
        typer.echo(json.dumps([asdict(one) for one in tried], indent=2))
    else:
        for one in tried:
            if not one.problem:
                typer.echo(f"ok, {one.num_parameters:,} weights: {parameter_text(one.values)}")
        for problem in dict.fromkeys(one.problem for one in problems):
            failed = [one for one in problems if one.problem == problem]
            typer.secho(problem, fg="red")
            typer.echo(
                f"  in {len(failed)} of {len(tried)}, for one with: {parameter_text(failed[0].values)}"
            )
    if problems:
        raise SpaceError(f"{len(problems)} of {len(tried)} architectures do not work.")
    if not json_output:
        typer.echo(f"{space.name}: {len(tried)} architectures built and trained for one step on {data}.")
