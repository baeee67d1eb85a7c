"""From a source to prepared data: load, check, split, scale, write once."""

import hashlib
import importlib.metadata
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from arnn_search.data.checks import check_inputs, check_targets, row_chunks
from arnn_search.data.fingerprint import hash_content
from arnn_search.data.labels import encode_labels
from arnn_search.data.prepared import PreparedData, open_prepared, write_inputs, write_labels, write_spec
from arnn_search.data.raw import Array, RawData
from arnn_search.data.scaling import SCALING_KINDS, ScalingKind, fit_scaling, fit_target_scaling, transform
from arnn_search.data.sources import fingerprint_source, load_source, source_name
from arnn_search.data.spec import DataSpec
from arnn_search.data.splitting import split, subset
from arnn_search.errors import ConfigurationError, DataError, UnknownNameError

_FORMAT = 1


@dataclass(frozen=True)
class _Part:
    x: Array
    rows: Array
    y: Array

    def labels(self) -> Array:
        return self.y[self.rows]

    def scaled(self, scaling: Mapping[str, Any]) -> Iterator[Array]:
        for chunk in row_chunks(len(self.rows), self.x[0].size):
            yield transform(scaling, self.x[self.rows[chunk]])


def prepare(
    source: str,
    *,
    target: str | None = None,
    task: str | None = None,
    scaling: ScalingKind = "auto",
    validation: float = 0.15,
    test: float = 0.15,
    max_train_samples: int | None = None,
    seed: int = 0,
    cache_directory: Path | str,
) -> PreparedData:
    """Load, check, split and scale a data set, and write it where trials can map it into memory.

    Every option and the source's content name the result, so that a second call opens what the first one
    wrote. Calls at the same time are safe: one writes, the others wait for it.

    Args:
        source: A name or a path, as `load_source` takes it.
        target: For tables, the column to predict; for regression several, separated by commas.
        task: `"classification"` or `"regression"`, where the source leaves it open.
        scaling: `"none"`, `"minmax"`, `"standard"`, or `"auto"`: images to the range from 0 to 1, other
            inputs to mean 0 and deviation 1 for each feature. Fitted on the training part alone.
        validation: Share of the samples for validation, above 0 and below 1; unused where the source brings
            its own validation part.
        test: Share of the samples for the test, likewise.
        max_train_samples: Train on at most so many samples, drawn class by class; None for all.
        seed: Draws the parts; the same seed, the same parts.
        cache_directory: Where prepared data lie, each in a directory of its own.

    Raises:
        DataError: The data cannot be read or cannot be trained on; the message says what to do.
        UnknownNameError: No such data set, task or scaling.
        ConfigurationError: A share or a number is out of its range.
    """
    _check_options(scaling, validation, test, max_train_samples, seed)
    options = {
        "target": target,
        "task": task,
        "scaling": scaling,
        "validation": float(validation),
        "test": float(test),
        "max_train_samples": None if max_train_samples is None else int(max_train_samples),
        "seed": int(seed),
    }
    cache = Path(cache_directory)
    key = _key(source, options)
    try:
        return open_prepared(cache / key)
    except DataError:
        pass  # Absent, or damaged: both are cured below, under the lock.
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / f"{key}.lock"):
            return _open_or_write(source, options, cache, key)
    except OSError as error:
        raise DataError(
            f"Prepared data cannot be written to {cache}: {error}; make room or choose another directory."
        ) from error


def _check_options(
    scaling: str, validation: float, test: float, max_train_samples: int | None, seed: int
) -> None:
    if scaling not in SCALING_KINDS:
        raise UnknownNameError("scaling", scaling, SCALING_KINDS)
    for name, share in (("validation", validation), ("test", test)):
        if not 0 < share < 1:
            raise ConfigurationError(f"{name} must be a share above 0 and below 1. Received: {share}.")
    if validation + test >= 1:
        raise ConfigurationError(
            f"validation + test must leave a share for training, below 1. Received: {validation} + {test}."
        )
    if max_train_samples is not None and max_train_samples < 1:
        raise ConfigurationError(f"max_train_samples must be 1 or more. Received: {max_train_samples}.")
    if seed < 0:
        raise ConfigurationError(f"seed must be 0 or more. Received: {seed}.")


def _key(source: str, options: Mapping[str, Any]) -> str:
    # scikit-learn draws the parts, so another version of it may draw others.
    version = importlib.metadata.version("scikit-learn")
    identity = json.dumps([_FORMAT, version, source, fingerprint_source(source), options], sort_keys=True)
    readable = re.sub(r"[^A-Za-z0-9_-]+", "-", source_name(source))[:40]
    return f"{readable}-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"


def _open_or_write(source: str, options: Mapping[str, Any], cache: Path, key: str) -> PreparedData:
    directory, partial = cache / key, cache / f".{key}.partial"
    try:
        return open_prepared(directory)
    except DataError:
        shutil.rmtree(directory, ignore_errors=True)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        _write(source, options, partial)
        partial.rename(directory)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return open_prepared(directory)


def _write(source: str, options: Mapping[str, Any], directory: Path) -> None:
    raw = load_source(source, target=options["target"], task=options["task"])
    check_inputs(raw, source)
    is_classification = raw.task == "classification"
    class_names: tuple[str, ...] = ()
    if is_classification:
        labels, class_names = encode_labels(raw, source)
    else:
        labels = check_targets(raw, source)
    parts = _split(raw, labels, options)
    training = parts["train"]
    scaling = fit_scaling(raw, training.rows, options["scaling"])
    target_scaling = None if is_classification else fit_target_scaling(training.labels())
    input_shape = transform(scaling, raw.x[:1]).shape[1:]
    value_range = (0.0, 0.0)
    for name, part in parts.items():
        reached = write_inputs(directory, name, part.scaled(scaling), (len(part.rows), *input_shape))
        if name == "train":
            value_range = reached
        write_labels(directory, name, _scaled_labels(part.labels(), target_scaling))
    if value_range[0] == value_range[1]:
        raise DataError(f"All training inputs of {source} are one number, so there is nothing to learn from.")
    spec = DataSpec(
        name=source_name(source),
        task=raw.task,
        input_shape=input_shape,
        input_dtype="float32",
        num_classes=len(class_names),
        class_names=class_names,
        num_outputs=len(class_names) if is_classification else labels[0].shape[1],
        value_range=value_range,
        num_train=len(training.rows),
        num_validation=len(parts["validation"].rows),
        num_test=len(parts["test"].rows),
        scaling=scaling,
        target_scaling=target_scaling,
        content_hash=hash_content(raw, options),
        source=source,
    )
    write_spec(directory, spec)


def _split(raw: RawData, labels: list[Array], options: Mapping[str, Any]) -> dict[str, _Part]:
    own = {
        suffix.removeprefix("_"): _Part(x, np.arange(len(x)), y)
        for (suffix, x, _), y in zip(raw.parts(), labels, strict=True)
        if suffix
    }
    classes = labels[0] if raw.task == "classification" else None
    num_samples, seed = len(raw.x), options["seed"]
    num_validation, num_test = (
        0 if part in own else max(1, round(options[part] * num_samples)) for part in ("validation", "test")
    )
    training, validation, test = split(
        num_samples, classes, num_validation=num_validation, num_test=num_test, seed=seed
    )
    if options["max_train_samples"] is not None:
        training = subset(training, classes, num_samples=options["max_train_samples"], seed=seed)
    return {
        "train": _Part(raw.x, training, labels[0]),
        "validation": own.get("validation") or _Part(raw.x, validation, labels[0]),
        "test": own.get("test") or _Part(raw.x, test, labels[0]),
    }


def _scaled_labels(labels: Array, target_scaling: Mapping[str, Any] | None) -> Array:
    if target_scaling is None:
        return labels
    mean, scale = (np.asarray(target_scaling[key], dtype=np.float64) for key in ("mean", "scale"))
    return ((labels - mean) / scale).astype(np.float32)
