"""Exporting a trial: write, open elsewhere, compare, and only then deliver."""

import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from arnn_search.errors import ExportError
from arnn_search.execution.devices import num_cores
from arnn_search.execution.local import LocalExecutor
from arnn_search.export.card import write_card
from arnn_search.export.destination import Destination, plan_destination
from arnn_search.export.formats.format import ExportFormat
from arnn_search.export.job import Comparison, WriteJob, Written
from arnn_search.export.origin import describe_origin
from arnn_search.export.report import ExportedFile, ExportReport
from arnn_search.export.selection import Selected, choose_trial, select_model
from arnn_search.export.verify import Opened, OpenJob, open_in_clean_process

if TYPE_CHECKING:
    from arnn_search.studies.study import Study, Trial

TOLERANCE = 1e-4
"""How far a file's outputs may be from the trial's model, and its score from the recorded one; relative to 1
or to the value itself if that is larger."""

HALF_PRECISION_TOLERANCE = 2e-2
"""The same for networks that compute in 16 bits, where each runtime rounds in its own way."""

_MOST_PROCESSES = 4


def export_trial(
    study: "Study",
    path: Path,
    *,
    trial: int | None = None,
    formats: Iterable[str] | None = None,
    fold: bool = True,
    raw_inputs: bool | None = None,
    refit: bool = False,
    overwrite: bool = False,
) -> ExportReport:
    """Writes a trial's model, opens every file in a clean process, and compares outputs and score.

    Args:
        study: the study.
        path: a file that ends in `.keras`, `.onnx` or `.tflite`, or a folder; it is created.
        trial: the trial's number; None for the best completed one.
        formats: names of formats; None for that of the file's ending, or everything in a folder.
        fold: whether auto-rotating layers become stock Keras layers, so that the files load anywhere.
        raw_inputs: whether the files take inputs as the data hold them, scaling them as their first layer;
            None: in a folder yes, in a single file no.
        refit: whether to take the model that `arnn-search rerun --refit` has retrained.
        overwrite: whether existing files may be replaced.

    Raises:
        StudyError: there is no such trial, or none has completed.
        UnknownNameError: there is no such format.
        ExportError: the model is not kept, something is in the way, or a file does not give the outputs or
            the recorded score; such a file is not left behind.
    """
    destination = plan_destination(path, formats, overwrite=overwrite)
    chosen = choose_trial(study, trial)
    destination = _without_impossible(destination, fold=fold, asked=formats is not None)
    is_raw = destination.is_folder if raw_inputs is None else raw_inputs
    selected = select_model(study, chosen, refit=refit)
    tolerance = HALF_PRECISION_TOLERANCE if "16" in study.config.precision else TOLERANCE
    spec = study.data_spec  # raises if the prepared data are gone
    destination.prepare()
    try:
        with tempfile.TemporaryDirectory(prefix="arnn-search-") as exchange:
            job = _job(study, chosen, selected, destination, Path(exchange), fold=fold, is_raw=is_raw)
            written, opened, compared, failed = _write_and_open(study, job, destination)
        files = []
        for entry in destination.formats:
            if entry.name not in failed:
                problem = _problem(entry, opened, compared, written, selected, tolerance=tolerance)
                if problem:
                    failed[entry.name] = problem
                else:
                    final = destination.deliver(entry)
                    files.append(
                        _exported(entry, final, opened[entry.name], compared.get(entry.name), selected.metric)
                    )
    finally:
        shutil.rmtree(destination.staging, ignore_errors=True)
    scores = [file.score for file in files if file.score is not None]
    report = ExportReport(
        path,
        study.name,
        chosen.number,
        selected.metric_name,
        selected.recorded,
        max(scores, key=lambda score: abs(score - selected.recorded), default=selected.recorded),
        folded=fold,
        raw_inputs=is_raw,
        files=tuple(files),
    )
    if destination.is_folder and files:
        content = json.dumps(written.preprocess, indent=1)
        (path / "preprocess.json").write_text(content, encoding="utf-8")
        write_card(study, chosen, report, written, spec)
    if failed:
        raise ExportError(_what_failed(chosen, failed, files))
    return report


def _without_impossible(destination: Destination, *, fold: bool, asked: bool) -> Destination:
    impossible = [entry for entry in destination.formats if entry.needs_stock_layers and not fold]
    if impossible and asked:
        raise ExportError(
            f"The format {impossible[0].name} is written in stock Keras layers, so it needs folding: leave "
            "--no-fold or this format away."
        )
    possible = tuple(entry for entry in destination.formats if entry not in impossible)
    return Destination(destination.path, possible, destination.is_folder)


def _job(
    study: "Study",
    chosen: "Trial",
    selected: Selected,
    destination: Destination,
    exchange: Path,
    *,
    fold: bool,
    is_raw: bool,
) -> WriteJob:
    return WriteJob(
        source=selected.model,
        data=study.data_directory,
        destinations=destination.staged(),
        exchange=exchange,
        fold=fold,
        is_raw=is_raw,
        origin=describe_origin(study, chosen),
        part=selected.part,
    )


def _write_and_open(
    study: "Study", job: WriteJob, destination: Destination
) -> tuple[Written, dict[str, Opened], Mapping[str, Comparison], dict[str, str]]:
    """Everything that takes processes: writing, opening each file in one of its own, comparing."""
    needs_tensorflow = any(entry.needs_tensorflow for entry in destination.formats)
    backend = "tensorflow" if needs_tensorflow else study.config.backend
    with LocalExecutor(backend=backend) as executor:
        try:
            written: Written = executor.call("arnn_search.export.write:write_formats", job)
        except RuntimeError as error:
            number = job.origin["trial"]
            raise ExportError(f"The model of trial {number} could not be opened and run: {error}") from error
        failed = dict(written.failed)

        entries = [entry for entry in destination.formats if entry.name not in failed]
        opened = _open_all(study, job, entries)
        failed |= {name: found.error for name, found in opened.items() if found.error}
        outputs = {
            entry.name: job.exchange / f"{entry.name}.npy"
            for entry in entries
            if entry.has_weights and not opened[entry.name].error
        }
        compared: Mapping[str, Comparison] = {}
        if outputs:
            compared = executor.call("arnn_search.export.write:compare_outputs", job, outputs)
    return written, opened, compared, failed


def _open_all(study: "Study", job: WriteJob, entries: list[ExportFormat]) -> dict[str, Opened]:
    """Opens every file, one process for each runtime, several of them at a time."""

    def attempt(runtime: str) -> dict[str, Opened]:
        jobs = [
            OpenJob(
                entry,
                job.destinations[entry.name],
                job.exchange / "inputs.npy" if entry.has_weights else None,
                job.exchange / f"{entry.name}.npy" if entry.has_weights else None,
            )
            for entry in entries
            if entry.runtime == runtime
        ]
        # Only Keras itself has to know layers that were not folded.
        stock = job.fold or runtime != "keras"
        return open_in_clean_process(jobs, stock=stock, backend=study.config.backend)

    runtimes = list(dict.fromkeys(entry.runtime for entry in entries))
    opened: dict[str, Opened] = {}
    with ThreadPoolExecutor(min(_MOST_PROCESSES, num_cores())) as threads:
        for found in threads.map(attempt, runtimes):
            opened |= found
    return opened


def _problem(
    entry: ExportFormat,
    opened: Mapping[str, Opened],
    compared: Mapping[str, Comparison],
    written: Written,
    selected: Selected,
    *,
    tolerance: float,
) -> str:
    """Why a file must not be delivered; empty if it may."""
    if not entry.has_weights:
        found = opened[entry.name].num_parameters
        wanted = written.num_exported_parameters
        return "" if found == wanted else f"It has {found:,} weights instead of {wanted:,}."
    comparison = compared[entry.name]
    score, recorded = comparison.scores.get(selected.metric, float("nan")), selected.recorded
    # Not `>`: a score that is not a number agrees with nothing.
    if not abs(recorded - score) <= tolerance * max(1.0, abs(recorded)):
        return (
            f"It does not give the recorded score: {selected.metric_name} was {recorded:.6f}, the file gives "
            f"{score:.6f}."
        )
    if not comparison.difference <= tolerance:
        return f"Its outputs differ by {comparison.difference:.2g} from those of the trial's model."
    return ""


def _exported(
    entry: ExportFormat, path: Path, opened: Opened, comparison: Comparison | None, metric: str
) -> ExportedFile:
    if comparison is None:
        return ExportedFile(entry.name, path, None, None, None)
    return ExportedFile(
        entry.name, path, comparison.scores[metric], comparison.difference, opened.milliseconds
    )


def _what_failed(trial: "Trial", failed: Mapping[str, str], files: list[ExportedFile]) -> str:
    reasons = " ".join(f"{name}: {reason}" for name, reason in failed.items())
    kept = f"Written and verified: {', '.join(file.format for file in files)}." if files else ""
    return (
        f"The exported model of trial {trial.number} failed verification and was not written. "
        f"{reasons} {kept}"
    ).strip()
