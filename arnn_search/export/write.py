"""Writing the formats and comparing what came out of them; runs in a process that may load Keras."""

from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np

from arnn_search.data import open_prepared
from arnn_search.export.drawing import describe_layers
from arnn_search.export.formats import find_formats
from arnn_search.export.front import with_scaling
from arnn_search.export.job import Comparison, WriteJob, Written
from arnn_search.export.network import ExportedNetwork
from arnn_search.export.preprocess import describe_preprocess, unscale
from arnn_search.layers import fold

_BATCH = 256


def write_formats(job: WriteJob) -> Written:
    """Loads the trial's model, writes it in every format that was asked for, and runs it for comparison."""
    prepared = open_prepared(job.data)
    source = keras.saving.load_model(job.source)
    model = _folded(source) if job.fold else source
    if job.is_raw:
        model = with_scaling(model, prepared.spec)
    preprocess = describe_preprocess(prepared.spec, is_raw=job.is_raw)
    # Before the formats, which may prepare the model for their converters.
    _write_exchange(job, source)
    x, y = getattr(prepared, job.part)()
    scores = source.evaluate(x, y, batch_size=_BATCH, verbose=0, return_dict=True)
    network = ExportedNetwork(model, source, job.fold, job.is_raw, preprocess, job.origin)
    failed = {}
    for entry in find_formats(job.destinations):
        if entry.needs_tensorflow and keras.config.backend() != "tensorflow":
            failed[entry.name] = (
                f"This process runs Keras on {keras.config.backend()}, and the format needs TensorFlow: "
                "export from the command line, or from a new process."
            )
            continue
        try:
            entry.write(network, job.destinations[entry.name])
        except Exception as error:  # converters raise anything, and one of them must not end the others
            failed[entry.name] = " ".join(f"{type(error).__name__}: {error}".split())[:500]
    return Written(
        scores={name: float(value) for name, value in scores.items()},
        num_parameters=source.count_params(),
        num_exported_parameters=model.count_params(),
        boxes=tuple(describe_layers(source)),
        preprocess=preprocess,
        failed=failed,
    )


def compare_outputs(job: WriteJob, outputs: Mapping[str, Path]) -> dict[str, Comparison]:
    """Compares the outputs that clean processes have left with those of the trial's model.

    Args:
        job: what was written.
        outputs: a `.npy` file of outputs for each format.
    """
    prepared = open_prepared(job.data)
    inputs, targets = getattr(prepared, job.part)()
    rows = slice(len(targets)) if job.part == "validation" else slice(-len(targets), None)
    reference = np.load(job.exchange / "reference.npy")
    source = keras.saving.load_model(job.source)
    judge = keras.Sequential([keras.Input(reference.shape[1:]), keras.layers.Identity()])
    judge.compile_from_config(source.get_compile_config())

    def judged(values: np.ndarray) -> dict[str, float]:
        found = judge.evaluate(values[rows], targets, batch_size=_BATCH, verbose=0, return_dict=True)
        return {name: float(value) for name, value in found.items()}

    # What the loss holds beside the outputs' own: penalties on weights, the same in every format.
    own = source.evaluate(inputs, targets, batch_size=_BATCH, verbose=0, return_dict=True)
    beside = float(own["loss"]) - judged(reference)["loss"]
    scaling = prepared.spec.target_scaling if job.is_raw else None
    compared = {}
    for name, path in outputs.items():
        values = np.load(path)
        if scaling is not None:
            values = (values - np.asarray(scaling["mean"])) / np.asarray(scaling["scale"])
        scores = judged(values)
        scores["loss"] += beside
        compared[name] = Comparison(_difference(values, reference), scores)
    return compared


def _folded(source: keras.Model) -> keras.Model:
    folded = fold(source)
    if not getattr(folded, "compiled", False):
        folded.compile_from_config(source.get_compile_config())
    return folded


def _write_exchange(job: WriteJob, source: keras.Model) -> None:
    prepared = open_prepared(job.data)
    scaled = np.concatenate([prepared.validation()[0], prepared.test()[0]])
    inputs = unscale(prepared.spec, scaled) if job.is_raw else scaled
    np.save(job.exchange / "inputs.npy", inputs)
    reference = source.predict(scaled, batch_size=_BATCH, verbose=0)
    np.save(job.exchange / "reference.npy", np.asarray(reference).astype(np.float32))


def _difference(values: np.ndarray, reference: np.ndarray) -> float:
    if values.shape != reference.shape:
        return float("inf")
    return float(np.max(np.abs(values - reference) / np.maximum(1.0, np.abs(reference))))
