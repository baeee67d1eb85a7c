"""The model card: what the network is, how good, how it was checked, how to load and to reproduce it."""

from datetime import UTC, datetime
from platform import machine, system
from typing import TYPE_CHECKING, Any

from arnn_search.data import DataSpec
from arnn_search.execution.devices import num_cores
from arnn_search.export.document import Document
from arnn_search.export.drawing import draw
from arnn_search.export.formats import FORMATS
from arnn_search.export.job import Written
from arnn_search.export.report import ExportReport

if TYPE_CHECKING:
    from arnn_search.studies.refit import Interval
    from arnn_search.studies.study import Study, Trial

MARKDOWN, HTML, PICTURE = "model_card.md", "model_card.html", "architecture.svg"

_HEALTH = {
    "health/score": "health score, 0 to 1",
    "health/vanishing_index": "vanishing index, log10 of first over last layer",
    "health/collapse": "collapse, log10 of smallest over largest layer",
    "health/uniformity": "uniformity over layers",
    "health/stability": "stability over epochs",
}


def write_card(
    study: "Study", trial: "Trial", report: ExportReport, written: Written, spec: DataSpec
) -> None:
    """Writes the card in Markdown and HTML, and the picture of the architecture, into the export folder."""
    picture = draw(written.boxes, title=f"Trial {trial.number} of {study.name}")
    document = Document(f"Model card: trial {trial.number} of {study.name}")
    _say_what(document, study, trial, report, written, spec)
    document.heading("Architecture")
    document.picture(picture, file_name=PICTURE, description="the layers from input to output")
    document.paragraph(
        "As it was searched and trained; a thick red border marks auto-rotating layers."
        + (" In the files they are stock Keras layers, rotated for good." if report.folded else "")
    )
    _say_how_good(document, study, trial, is_refit=report.metric.startswith("test_"))
    _say_health(document, trial, written)
    _say_files(document, report)
    _say_inputs(document, report, spec)
    document.heading("Reproduce")
    document.code(
        f"arnn-search rerun {study.name} --trial {trial.number}\n"
        f"arnn-search rerun {study.name} --trial {trial.number} --refit --seeds 5",
        language="sh",
    )
    document.paragraph(
        "The first trains the trial again from its recorded hyperparameters and seed and compares the "
        "numbers; the second retrains it on the training and validation parts and scores it on the test part."
    )
    versions = study.attributes["versions"]
    document.table(("package", "version"), [(name, str(number)) for name, number in versions.items()])
    (report.path / PICTURE).write_text(picture, encoding="utf-8")
    (report.path / MARKDOWN).write_text(document.as_markdown(), encoding="utf-8")
    (report.path / HTML).write_text(document.as_html(), encoding="utf-8")


def _say_what(
    document: Document, study: "Study", trial: "Trial", report: ExportReport, written: Written, spec: DataSpec
) -> None:
    rows = [
        ("task", f"{spec.task} of {spec.name}"),
        ("data", spec.shape_summary),
        ("data, SHA-256", spec.content_hash),
        ("search space", f"{study.attributes['space']}, SHA-256 {study.attributes['space_sha256']}"),
        ("weights", f"{written.num_parameters:,} (as searched)"),
        ("layer family", trial.family or "-"),
        ("hyperparameters", ", ".join(f"{name}={_value(value)}" for name, value in trial.parameters.items())),
        ("architecture hash", trial.architecture),
        ("exported", datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")),
    ]
    if spec.class_names:
        rows.insert(1, ("classes", ", ".join(spec.class_names)))
    document.table(("", ""), rows)


def _say_how_good(document: Document, study: "Study", trial: "Trial", *, is_refit: bool) -> None:
    from arnn_search.studies.refit import read_refit

    document.heading("Scores")
    rows = [
        (f"{name}, validation part", f"{value:.4f}")
        for name, value in trial.metrics.items()
        if name.startswith("val_")
    ]
    test = study.attributes.get("test") or {}
    if test.get("trial") == trial.number and not test.get("error"):
        rows += [(f"{name}, test part", f"{value:.4f}") for name, value in test["metrics"].items()]
    refit = read_refit(study.layout, trial.number)
    for name, interval in refit.test.items() if refit else ():
        rows.append((f"{name}, test part, retrained", _interval_text(interval)))
    document.table(("score", "value"), rows)
    numbers = [one.number for one in study.leaderboard]
    if trial.number in numbers:
        place = f"Place {numbers.index(trial.number) + 1} of {len(numbers)} on the leaderboard"
    else:  # of several objectives the leaderboard holds the front only
        place = "Not on the leaderboard"
    text = f"{place} by {', '.join(study.objectives)}, so the score on the validation part flatters it. "
    if any("test part" in name for name, _ in rows):
        text += "The test part was used for none of the choices. "
    else:
        text += "It was not scored on the test part. "
    if refit:
        text += (
            f"Retrained on the training and validation parts for {refit.epochs} epochs; mean "
            f"over {len(refit.seeds)} seeds, with Student's 95 % interval if there are several."
        )
    if is_refit:
        text += " The files hold the first of these networks."
    document.paragraph(text.strip())


def _interval_text(interval: "Interval") -> str:
    width = "" if interval.half_width is None else f" ± {interval.half_width:.4f}"
    return f"{interval.mean:.4f}{width}"


def _say_health(document: Document, trial: "Trial", written: Written) -> None:
    document.heading("Gradient health and limits")
    found = {name: value for name, value in trial.metrics.items() if name.startswith("health/")}
    if found:
        document.table(
            ("in the epoch of the score", "value"),
            [
                (_HEALTH.get(name, name.removeprefix("health/")), f"{value:.3f}")
                for name, value in found.items()
            ],
        )
    else:
        document.paragraph("Gradients were not followed in this study.")
    limits = [(box.name, box.detail, f"{box.limit:.4f}") for box in written.boxes if box.limit is not None]
    if limits:
        document.table(("auto-rotating layer", "", "limit L (mean)"), limits)
    else:
        document.paragraph("No layer is auto-rotating.")


def _say_files(document: Document, report: ExportReport) -> None:
    document.heading("Files")
    document.paragraph(
        f"Each file was opened in a clean process by its own runtime, without arnn-search. "
        f"{report.metric} was recorded as {report.recorded:.6f}. The difference is the largest one of the "
        "outputs on the validation and test parts to the trained model. Latency: one sample, called from "
        f"Python, {num_cores()} CPU cores ({system()}, {machine()})."
    )
    rows = [
        (
            file.format,
            file.path.name,
            FORMATS[file.format].summary,
            _number(file.score, ".6f"),
            _number(file.difference, ".1e"),
            "-" if file.milliseconds is None else f"{file.milliseconds:.2f} ms",
        )
        for file in report.files
    ]
    document.table(("format", "file", "for", report.metric, "difference", "latency"), rows)
    for file in report.files:
        document.paragraph(f"{file.format}:")
        document.code(FORMATS[file.format].how_to_load(file.path.name), language="python")


def _say_inputs(document: Document, report: ExportReport, spec: DataSpec) -> None:
    document.heading("Inputs and outputs")
    shape = ", ".join(map(str, ("samples", *spec.input_shape)))
    if report.raw_inputs:
        text = f"Inputs are float32 of shape ({shape}) as the data hold them; the first layer scales them."
    else:
        text = f"Inputs are float32 of shape ({shape}), scaled as preprocess.json says."
    if spec.scaling.get("categories"):
        names = ", ".join(spec.scaling["categories"])
        text += f" The texts of {names} become one 0/1 feature per category, in the order of preprocess.json."
    if spec.task == "classification":
        text += " Outputs are one probability per class, in the order of class_names in preprocess.json."
    else:
        text += (
            f" Outputs are {'targets in their own units' if report.raw_inputs else 'standardised targets'}."
        )
    document.paragraph(text)
    document.code("arnn-search predict . INPUT...   # images, .npz, .csv", language="sh")


def _value(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
