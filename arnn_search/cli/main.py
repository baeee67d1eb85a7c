"""The command `arnn-search`: its commands, and how errors leave it."""

import errno
import sys
from typing import Annotated

import typer

from arnn_search import __version__
from arnn_search.cli import dashboard, doctor, explain, look, predict, reproduce, rerun, run, spaces, take
from arnn_search.errors import ArnnSearchError

app = typer.Typer(
    name="arnn-search",
    help="Architecture search for Keras with auto-rotating layers, followed by gradient health.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"arnn-search {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Architecture search for Keras with auto-rotating layers, followed by gradient health."""


app.command()(run.run)
app.command()(run.resume)
app.command()(run.init)
app.command()(look.status)
app.add_typer(dashboard.app, name="dashboard")
app.command()(dashboard.report)
app.command()(look.sync)
app.command()(take.export)
app.command()(predict.predict)
app.command()(rerun.rerun)
app.command()(explain.explain)
app.command()(reproduce.reproduce)
app.add_typer(spaces.app, name="spaces")
app.command()(look.data)
app.command()(doctor.doctor)


def main() -> None:
    """Runs the command line; what a user can cause is one paragraph and exit code 2."""
    try:
        app()
    except ArnnSearchError as error:
        typer.secho(f"arnn-search: {error}", fg="red", err=True)
        sys.exit(2)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        place = f" ({error.filename})" if error.filename else ""
        typer.secho(f"arnn-search: the disk is full{place}. Free some space, then again.", fg="red", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        typer.secho("arnn-search: interrupted.", err=True)
        sys.exit(130)


if __name__ == "__main__":
    main()
