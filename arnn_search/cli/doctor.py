"""`doctor`: what is there, what is missing, and the command that installs it."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

_STYLES = {"ok": "green", "missing": "yellow", "broken": "red"}


def doctor(
    directory: Annotated[Path, typer.Option(help="Folder that holds the studies.")] = Path("arnn-studies"),
    storage: Annotated[str | None, typer.Option(help="Address of a shared ledger to try.")] = None,
    tracking_uri: Annotated[str | None, typer.Option(help="MLflow's store, if not the default.")] = None,
    backend: Annotated[str | None, typer.Option(help="The backend that studies are to use.")] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Look at backends, devices, versions and stores; say what is missing and what installs it.

    The exit code is 1 if something is broken without which a study cannot run.
    """
    from rich.console import Console
    from rich.markup import escape

    from arnn_search.errors import UnknownNameError
    from arnn_search.execution.backends import BACKENDS, chosen_backend
    from arnn_search.execution.examination import examine_machine
    from arnn_search.studies.store_check import examine_stores

    chosen = chosen_backend(backend)
    if chosen not in BACKENDS:
        raise UnknownNameError("backend", chosen, BACKENDS)
    console = Console(highlight=False, stderr=json_output)
    with console.status("Loading the backends ..."):
        findings = examine_machine(backend=chosen)
    findings += examine_stores(directory, storage=storage, tracking_uri=tracking_uri)
    if json_output:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        topic = ""
        for finding in findings:
            if finding.topic != topic:
                topic = finding.topic
                console.print(f"[bold]{topic.capitalize()}[/]")
            state = f"[{_STYLES[finding.state]}]{finding.state:<8}[/]"
            console.print(f"  {state} {finding.name:<12} {escape(finding.detail)}", soft_wrap=True)
            if finding.remedy:
                console.print(f"{'':24}-> {escape(finding.remedy)}", soft_wrap=True)
    if any(finding.state == "broken" for finding in findings):
        raise typer.Exit(1)
