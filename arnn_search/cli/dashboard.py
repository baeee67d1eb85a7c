"""`dashboard [STUDY] | new | list` and `report`: a study's pages, in MLflow and as one file."""

import contextlib
import json
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from typer.core import TyperGroup

from arnn_search.cli.look import STUDIES, Directory, Json, StudyArgument
from arnn_search.errors import ArnnSearchError, StudyError, TrackingError

if TYPE_CHECKING:
    from arnn_search.tracking.pages import StudyLocation

TrackingUri = Annotated[
    str | None,
    typer.Option(help="MLflow's store or server, to look at a study that ran on another machine."),
]
_DEFAULT = "open"


class _OpensByDefault(TyperGroup):
    """Takes `dashboard NAME` as `dashboard open NAME`."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        if not args or args[0] not in {*self.commands, *ctx.help_option_names}:
            args = [_DEFAULT, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_OpensByDefault,
    help="Open a study's pages in MLflow (`dashboard [STUDY]`), or start and list dashboards.",
)


@app.command(_DEFAULT)
def open_pages(
    study: StudyArgument = None,
    directory: Directory = STUDIES,
    tracking_uri: TrackingUri = None,
    port: Annotated[int, typer.Option(help="Port to serve on; another one if it is taken.")] = 5000,
    open_page: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in a browser.")] = True,
    live: Annotated[
        bool, typer.Option("--live", help="Show all dashboards on one page that follows a running study.")
    ] = False,
) -> None:
    """Serve MLflow on this machine, render the dashboards, and open them. Ctrl-C ends it."""
    if live:
        _follow(*_store(study, directory, tracking_uri), port=port, open_page=open_page)
        return
    from arnn_search.tracking.dashboards.publication import Publication
    from arnn_search.tracking.pages import run_url
    from arnn_search.tracking.saved_view import keep_view, view_url
    from arnn_search.tracking.server import serve, stop_server

    uri, name = _store(study, directory, tracking_uri)
    typer.echo(f"Starting MLflow on {uri} ...")
    server, base = serve(uri, port=port)
    try:
        location = _located(uri, name)
        typer.echo("Rendering the dashboards ...")
        for warning in Publication(uri, location, directory=Path.cwd(), cache=None).run():
            typer.secho(warning, fg="yellow", err=True)
        try:
            keep_view(uri, location)
        except TrackingError as error:
            typer.secho(str(error), fg="yellow", err=True)
        run = location.experiment_id, location.run_id
        page = run_url(base, *run, artifact="dashboards/overview.html")
        typer.echo(f"Dashboards:  {page}")
        typer.echo(f"The study:   {run_url(base, *run)}")
        typer.echo(f"Trials:      {view_url(base, *run)}")
        typer.echo(f"Charts:      {view_url(base, *run, charts=True)}")
        if open_page:
            typer.launch(page)
        if server is None:
            typer.echo("This server was running already, and goes on.")
            return
        typer.echo("Ctrl-C ends the server.")
        with contextlib.suppress(KeyboardInterrupt):
            server.wait()
    finally:
        if server is not None:
            stop_server(server)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="The new dashboard's name, for example my-curves.")],
) -> None:
    """Write a commented start into ./dashboards."""
    from arnn_search.tracking.dashboards.scaffold import write_new_dashboard

    path = write_new_dashboard(name, Path.cwd())
    typer.echo(f"Wrote {path.relative_to(Path.cwd())}. See it with: arnn-search dashboard")


@app.command("list")
def list_dashboards(json_output: Json = False) -> None:
    """List the dashboards: ./dashboards, the built-in ones, installed plugins."""
    from arnn_search.tracking.dashboards import find_dashboards

    found = find_dashboards()
    if json_output:
        rows = [
            {"name": None, "error": str(one)}
            if isinstance(one, ArnnSearchError)
            else {"name": one.name, "origin": one.origin, "path": str(one.path), "summary": one.summary}
            for one in found
        ]
        typer.echo(json.dumps(rows, indent=2))
        return
    for one in found:
        if isinstance(one, ArnnSearchError):
            typer.secho(f"unusable: {one}", fg="red")
        else:
            typer.echo(f"{one.name:<18} {one.summary} [{one.origin}]")


def report(
    study: StudyArgument = None,
    directory: Directory = STUDIES,
    tracking_uri: TrackingUri = None,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("report.html"),
    form: Annotated[
        Literal["html", "md"] | None,
        typer.Option("--format", help="html: every dashboard, in one file; md: words and tables."),
    ] = None,
    json_output: Json = False,
) -> None:
    """Write a study as one file that needs neither MLflow nor a network."""
    from arnn_search.tracking.dashboards.report import write_report
    from arnn_search.tracking.study_reader import read_study

    uri, name = _store(study, directory, tracking_uri)
    warnings = write_report(read_study(uri, name), out, form=form)
    if json_output:
        typer.echo(json.dumps({"report": str(out.resolve()), "warnings": warnings}, indent=2))
        return
    for warning in warnings:
        typer.secho(warning, fg="yellow", err=True)
    size = out.stat().st_size
    typer.echo(f"Wrote {out} ({f'{size / 1e6:.1f} MB' if size > 1e5 else f'{size / 1e3:.0f} kB'}).")


def _follow(uri: str, study: str | None, *, port: int, open_page: bool) -> None:
    from arnn_search.tracking.dashboards.live import LivePage

    with tempfile.TemporaryDirectory(prefix="arnn-search-live-") as cache:
        page = LivePage(uri, _located(uri, study), directory=Path.cwd(), cache=Path(cache), port=port)
        with page.serving(), contextlib.suppress(KeyboardInterrupt):
            typer.echo(f"Following the study at {page.address}")
            if open_page:
                typer.launch(page.address)
            typer.echo("Ctrl-C ends it; the study goes on.")
            threading.Event().wait()


def _located(uri: str, study: str | None) -> "StudyLocation":
    from arnn_search.tracking.pages import find_study

    location = find_study(uri, study)
    if location is None:
        raise StudyError(f"MLflow holds nothing of {study!r} yet. Try `arnn-search sync {study}`.")
    return location


def _store(study: str | None, directory: Path, tracking_uri: str | None) -> tuple[str, str | None]:
    """The MLflow store to look into, and the name of the study there; None for its latest one."""
    from arnn_search.studies.study import Study
    from arnn_search.tracking.store import resolve_uri

    if tracking_uri is not None:
        return resolve_uri(tracking_uri), study
    shown = Study(study, directory=directory)
    uri = shown.attributes.get("tracking_uri")
    if not uri:
        raise StudyError(f"Study {shown.name!r} was run with mlflow = false; there is nothing to serve.")
    return str(uri), shown.name
