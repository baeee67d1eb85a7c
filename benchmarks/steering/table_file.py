"""The reference table as one Parquet file: how it is packed, and how it is read back."""

import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measurement import RESULTS, describe_machine

TABLE = RESULTS / "steering" / "reference_table.parquet"

_PER_DECADE = 5
"""Gradients and updates are kept as whole numbers of fifths of a decade."""
_PER_UNIT = 500
"""Losses and accuracies as whole numbers of five-hundredths."""
_NEVER = -32768
"""Stands for zero and for what is not finite."""


@dataclass(frozen=True)
class Row:
    """One architecture.

    Attributes:
        number: also the seed of its values, weights and batches.
        space: the search space's name.
        reports: whether it belongs to the half that rules are judged by, and not to that which tunes them.
        parameters: the values of the space's parameters.
        num_parameters: weights.
        scores: zero-cost scores at initialisation, by name.
        initial_rms: root mean square gradient of each kernel at the initial weights, `(kernels,)`.
        gradient_rms: the same of each step, `(steps, kernels)`; 0 stands for not finite too.
        update: least and largest relative update over kernels of each step, `(steps, 2)`.
        loss: of each step's batch, `(steps,)`.
        accuracy: of each step's batch, `(steps,)`.
        saturation: step, mean and largest share over layers, `(looks, 3)`.
        val_accuracy: after each epoch, `(epochs,)`.
        val_loss: after each epoch, `(epochs,)`.
        seconds: of processor time, by what took it.
    """

    number: int
    space: str
    reports: bool
    parameters: Mapping[str, Any]
    num_parameters: int
    scores: Mapping[str, float]
    initial_rms: np.ndarray
    gradient_rms: np.ndarray
    update: np.ndarray
    loss: np.ndarray
    accuracy: np.ndarray
    saturation: np.ndarray
    val_accuracy: np.ndarray
    val_loss: np.ndarray
    seconds: Mapping[str, float]

    @property
    def best(self) -> float:
        """The best validation accuracy of its epochs."""
        return float(self.val_accuracy.max())


def merge(scratch: Path, path: Path = TABLE, *, settings: Mapping[str, Any]) -> Path:
    """Packs the architectures that are there.

    Args:
        scratch: the folder of their files.
        path: of the table.
        settings: of the trainings, kept with it.
    """
    found = [pickle.loads(file.read_bytes()) for file in sorted(scratch.glob("*.pickle"))]
    columns = [_packed(row) | {"reports": place >= len(found) // 2} for place, row in enumerate(found)]
    table = pa.Table.from_pylist(columns, schema=_SCHEMA)
    seconds = sum(sum(v for k, v in row["seconds"].items() if k != "wall") for row in found)
    about = {
        "settings": dict(settings),
        "machine": describe_machine(),
        "architectures": len(found),
        "processor_minutes": round(seconds / 60, 1),
        "wall_minutes": round(sum(row["seconds"]["wall"] for row in found) / 60, 1),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    table = table.replace_schema_metadata({"about": json.dumps(about)})
    delta = dict.fromkeys(("gradient_rms.list.element", "update.list.element"), "DELTA_BINARY_PACKED")
    pq.write_table(
        table, path, compression="zstd", compression_level=19, use_dictionary=False, column_encoding=delta
    )
    return path


def load(path: Path = TABLE) -> list[Row]:
    """The table's architectures, by number."""
    return [_unpacked(row) for row in pq.read_table(path).to_pylist()]


def about(path: Path = TABLE) -> dict[str, Any]:
    """With which settings and versions it was made, and how long that took."""
    metadata = pq.read_schema(path).metadata
    result: dict[str, Any] = json.loads(metadata[b"about"])
    return result


_SCHEMA = pa.schema(
    {
        "number": pa.int16(),
        "space": pa.string(),
        "reports": pa.bool_(),
        "parameters": pa.string(),
        "num_parameters": pa.int32(),
        "layers": pa.string(),
        "scores": pa.string(),
        "seconds": pa.string(),
        "initial_rms": pa.list_(pa.float32()),
        "gradient_rms": pa.list_(pa.int16()),
        "update": pa.list_(pa.int16()),
        "loss": pa.list_(pa.int16()),
        "accuracy": pa.list_(pa.int16()),
        "saturation": pa.list_(pa.float32()),
        "val_accuracy": pa.list_(pa.float32()),
        "val_loss": pa.list_(pa.float32()),
        "train_accuracy": pa.list_(pa.float32()),
        "train_loss": pa.list_(pa.float32()),
    }
)


def _packed(row: Mapping[str, Any]) -> dict[str, Any]:
    epochs, initial = row["epochs"], row["initial"]
    scores = {name: value for name, value in initial.items() if name != "gradient_rms"}
    packed = {
        name: [float(epoch[key]) for epoch in epochs]
        for name, key in (
            ("val_accuracy", "val_accuracy"),
            ("val_loss", "val_loss"),
            ("train_accuracy", "accuracy"),
            ("train_loss", "loss"),
        )
    }
    return packed | {
        "number": row["number"],
        "space": row["space"],
        "parameters": json.dumps(row["parameters"]),
        "num_parameters": row["num_parameters"],
        "layers": json.dumps(row["layers"]),
        "scores": json.dumps(scores),
        "seconds": json.dumps({name: round(value, 2) for name, value in row["seconds"].items()}),
        "initial_rms": initial["gradient_rms"].tolist(),
        # By kernel, not by step: what is alike lies together.
        "gradient_rms": _in_decades(row["gradient_rms"].T),
        "update": _in_decades(row["update"].T),
        "loss": _scaled(row["loss"]),
        "accuracy": _scaled(row["accuracy"]),
        "saturation": [value for look in row["saturation"] for value in look],
    }


def _in_decades(values: np.ndarray) -> list[int]:
    values = np.asarray(values, dtype=np.float64)
    known = np.isfinite(values) & (values > 0)
    logs = np.full(values.shape, float(_NEVER))
    logs[known] = np.round(np.log10(values[known]) * _PER_DECADE)
    return [int(value) for value in logs.reshape(-1)]


def _from_decades(values: list[int], rows: int) -> np.ndarray:
    array = np.array(values, dtype=np.float64).reshape(rows, -1)
    return np.where(array == _NEVER, 0.0, 10.0 ** (np.maximum(array, -1000) / _PER_DECADE)).T


def _scaled(values: np.ndarray) -> list[int]:
    scaled = np.where(np.isfinite(values), np.clip(np.round(values * _PER_UNIT), -32000, 32000), _NEVER)
    return [int(value) for value in scaled]


def _unscaled(values: list[int]) -> np.ndarray:
    array = np.array(values, dtype=np.float64)
    return np.where(array == _NEVER, np.nan, array / _PER_UNIT)


def _unpacked(row: Mapping[str, Any]) -> Row:
    initial = np.array(row["initial_rms"])
    return Row(
        number=row["number"],
        space=row["space"],
        reports=row["reports"],
        parameters=json.loads(row["parameters"]),
        num_parameters=row["num_parameters"],
        scores=json.loads(row["scores"]),
        initial_rms=initial,
        gradient_rms=_from_decades(row["gradient_rms"], len(initial)),
        update=_from_decades(row["update"], 2),
        loss=_unscaled(row["loss"]),
        accuracy=_unscaled(row["accuracy"]),
        saturation=np.array(row["saturation"]).reshape(-1, 3),
        val_accuracy=np.array(row["val_accuracy"]),
        val_loss=np.array(row["val_loss"]),
        seconds=json.loads(row["seconds"]),
    )
