"""`export`: taking trained networks away, in formats that need none of this."""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arnn_search.cli.look import STUDIES, Directory, Json, StudyArgument
from arnn_search.errors import ConfigurationError

if TYPE_CHECKING:
    from arnn_search.export import ExportReport

_FORMATS = "keras, savedmodel, onnx, litert, python, config"


def export(
    study: StudyArgument = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="A file (.keras, .onnx, .tflite), or a folder for several formats and a model card; by "
            "default best.keras, or best with --format.",
            show_default=False,
        ),
    ] = None,
    formats: Annotated[
        str | None,
        typer.Option("--format", help=f"Comma-separated: {_FORMATS}; or all.", show_default=False),
    ] = None,
    trial: Annotated[int | None, typer.Option(help="The trial; by default the best one.")] = None,
    best: Annotated[bool, typer.Option("--best", help="The best trial, which is the default.")] = False,
    pareto: Annotated[
        bool,
        typer.Option("--pareto", help="Every trial that no other beats in both score and size."),
    ] = False,
    fold: Annotated[
        bool, typer.Option("--fold/--no-fold", help="Make auto-rotating layers stock Keras layers.")
    ] = True,
    raw_inputs: Annotated[
        bool | None,
        typer.Option(
            "--raw-inputs/--scaled-inputs",
            help="Whether scaling is part of the network; by default in a folder yes, in a single file no.",
        ),
    ] = None,
    refit: Annotated[
        bool, typer.Option("--refit", help="The model that `arnn-search rerun --refit` has retrained.")
    ] = False,
    register: Annotated[
        str | None,
        typer.Option(help="Also register the Keras file in MLflow, as a version of this model."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
    directory: Directory = STUDIES,
    json_output: Json = False,
) -> None:
    """Write a trial's model so that it needs nothing of this, and verify every file in its own runtime."""
    from arnn_search.export import pareto_trials
    from arnn_search.export.register import ALIAS, check_can_register, register_export
    from arnn_search.studies.study import Study

    if (trial is not None) + best + pareto > 1:
        raise ConfigurationError("--trial, --best and --pareto exclude one another: give one of them.")
    shown = Study(study, directory=directory)
    names = _format_names(formats)
    out = out or _default_path(names, pareto=pareto)
    options: dict[str, Any] = {
        "formats": names,
        "fold": fold,
        "raw_inputs": raw_inputs,
        "refit": refit,
        "overwrite": force,
    }
    if register is not None:
        if pareto:
            raise ConfigurationError("--register takes one trial: leave --pareto away.")
        check_can_register(shown, register, out, trial=trial, formats=names, fold=fold)
    if not pareto:
        targets = [(trial, out)]
    elif out.suffix:
        raise ConfigurationError(f"--pareto writes a folder for each trial. Received: --out {out}.")
    else:
        targets = [(one.number, out / f"trial-{one.number:05d}") for one in pareto_trials(shown)]
    reports = [shown.export(path, trial=number, **options) for number, path in targets]
    registered = None if register is None else register_export(shown, reports[0], register)
    if json_output:
        results = [_as_dict(report) for report in reports]
        if registered is not None:
            results[0]["registered"] = vars(registered)
        typer.echo(json.dumps(results if pareto else results[0], indent=2))
        return
    for report in reports:
        _say(report)
    if names is None and reports[0].path.is_dir():
        from arnn_search.export.formats import FORMATS

        for entry in FORMATS.values():
            if not entry.is_installed:
                typer.echo(f"Not written: {entry.name}. python -m pip install 'arnn-search[{entry.extra}]'")
    if registered is not None:
        typer.echo(
            f"Registered as version {registered.version} of {registered.name}, alias {ALIAS}: "
            f"mlflow.pyfunc.load_model({registered.uri!r})"
        )


def _format_names(text: str | None) -> list[str] | None:
    if text is None:
        return None
    if text.strip() == "all":
        return [name.strip() for name in _FORMATS.split(",")]
    return [name.strip() for name in text.split(",") if name.strip()]


def _default_path(names: list[str] | None, *, pareto: bool) -> Path:
    from arnn_search.export.formats import FORMATS

    if pareto:
        return Path("pareto")
    if names is None:
        return Path("best.keras")
    suffix = FORMATS[names[0]].suffix if len(names) == 1 and names[0] in FORMATS else ""
    return Path(f"best{suffix}")


def _as_dict(report: "ExportReport") -> dict[str, Any]:
    fields = dataclasses.asdict(report)
    fields["path"] = str(report.path)
    for file in fields["files"]:
        file["path"] = str(file["path"])
    return fields


def _say(report: "ExportReport") -> None:
    typer.echo(f"Wrote {report.path}: trial {report.trial} of {report.study}.")
    kind = "stock Keras layers only" if report.folded else "auto-rotating layers kept"
    typer.echo(
        f"Verified in a clean process ({kind}): {report.metric} {report.verified:.6f}, "
        f"recorded {report.recorded:.6f}."
    )
    if len(report.files) == 1 and report.files[0].path == report.path:
        if report.files[0].format == "keras" and report.folded:
            typer.echo(f"Load it anywhere: keras.saving.load_model({str(report.path)!r})")
        inputs = "as the data hold them" if report.raw_inputs else "scaled (--raw-inputs to scale inside)"
    else:
        for file in report.files:
            numbers = "builds"
            if file.difference is not None and file.milliseconds is not None:
                numbers = f"outputs within {file.difference:.1e}, {file.milliseconds:.2f} ms for one sample"
            typer.echo(f"  {file.format:<11} {file.path.name:<18} {numbers}")
        inputs = "as the data hold them" if report.raw_inputs else "scaled as preprocess.json says"
        if (report.path / "model_card.md").is_file():
            typer.echo(f"Read {report.path / 'model_card.md'} for what it is and how to load it.")
    typer.echo(f"Its inputs are {inputs}.")
