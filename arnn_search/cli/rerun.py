"""`rerun`: a trial once more, to see the same numbers or to train the winner with all data."""

import dataclasses
import json
from typing import TYPE_CHECKING, Annotated

import typer

from arnn_search.cli.look import STUDIES, Directory, Json, StudyArgument
from arnn_search.errors import ConfigurationError

if TYPE_CHECKING:
    from arnn_search.studies.refit import Refit
    from arnn_search.studies.rerun import Rerun
    from arnn_search.studies.study import Study


def rerun(
    study: StudyArgument = None,
    trial: Annotated[int | None, typer.Option(help="The trial; by default the best one.")] = None,
    refit: Annotated[
        bool,
        typer.Option("--refit", help="Train on the training and validation part; score on the test part."),
    ] = False,
    epochs: Annotated[
        int | None, typer.Option(help="With --refit: epochs; by default those of the trial's best score.")
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(help="With --refit: train from so many seeds, for an interval.")
    ] = None,
    keep_model: Annotated[
        bool, typer.Option("--keep-model", help="Keep the model as the trial's, if the numbers are the same.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Retrain again, though it was done.")] = False,
    directory: Directory = STUDIES,
    json_output: Json = False,
) -> None:
    """Run a trial again from its recorded hyperparameters and seed; on a CPU it gives the same numbers."""
    from arnn_search.studies.refit import refit_trial
    from arnn_search.studies.rerun import rerun_trial
    from arnn_search.studies.study import Study

    shown = Study(study, directory=directory)
    if refit:
        if keep_model:
            raise ConfigurationError(
                "--keep-model and --refit exclude each other; --refit keeps its own models."
            )
        found, models = refit_trial(
            shown, trial, epochs=epochs, seeds=1 if seeds is None else seeds, force=force
        )
        if json_output:
            typer.echo(
                json.dumps({**dataclasses.asdict(found), "models": [str(path) for path in models]}, indent=2)
            )
        else:
            _say_refit(found, shown)
        return
    for name, value in (("--epochs", epochs), ("--seeds", seeds)):
        if value is not None:
            raise ConfigurationError(f"{name} belongs to --refit: a trial is run again as it was.")
    number = shown.best_trial.number if trial is None else trial
    result = rerun_trial(shown, number, keep_model=keep_model)
    if json_output:
        fields = dataclasses.asdict(result)
        fields |= {"is_equal": result.is_equal, "largest_difference": result.largest_difference}
        typer.echo(json.dumps(fields, indent=2))
    else:
        _say_rerun(result, shown)
    if not result.is_equal and result.device.startswith("cpu"):
        raise typer.Exit(1)


def _say_rerun(result: "Rerun", study: "Study") -> None:
    for epoch in sorted(result.recorded):
        recorded = result.recorded[epoch].get(result.metric, float("nan"))
        found = result.found.get(epoch, {}).get(result.metric, float("nan"))
        typer.echo(f"epoch {epoch:>3}  {result.metric} recorded {recorded:.6f}  now {found:.6f}")
    if result.is_equal:
        typer.echo(
            f"Trial {result.trial} of {result.study} on {result.device}: the same numbers, bit for bit."
        )
        return
    what = (
        "another architecture was built"
        if not result.same_architecture
        else (f"numbers differ by up to {result.largest_difference:.2g}")
    )
    typer.echo(f"Trial {result.trial} of {result.study} on {result.device}: {what}.")
    if result.device.startswith("gpu"):
        typer.echo("On a GPU small differences are expected.")
        return
    from arnn_search.studies.opening import installed_versions

    now, then = installed_versions(), study.attributes["versions"]
    changed = [
        f"{name} {then.get(name)} then, {now.get(name)} now" for name in then if then[name] != now.get(name)
    ]
    why = (
        "; ".join(changed) or "the versions are the same, so another processor or number of threads is likely"
    )
    typer.echo(f"The same machine, versions and threads give the same numbers: {why}.")


def _say_refit(found: "Refit", study: "Study") -> None:
    over = "1 seed" if len(found.seeds) == 1 else f"{len(found.seeds)} seeds"
    typer.echo(
        f"Trial {found.trial} of {found.study}, retrained on the training and validation part for "
        f"{found.epochs} epochs with {over}. On the test part:"
    )
    for name, interval in found.test.items():
        width = "" if interval.half_width is None else f" ± {interval.half_width:.4f} (95 %)"
        typer.echo(f"  {name} {interval.mean:.4f}{width}")
    typer.echo(f"Take it away: arnn-search export {found.study} --trial {found.trial} --refit --out PATH")
