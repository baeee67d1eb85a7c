"""Prepared data on disk: written once, memory-mapped by every trial."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from arnn_search.data.raw import Array
from arnn_search.data.spec import DataSpec
from arnn_search.errors import DataError

_SPEC_FILE = "spec.json"


@dataclass(frozen=True)
class PreparedData:
    """A directory of prepared arrays with their specification.

    Inputs are float32 `(samples, *spec.input_shape)`. Labels are int32 class numbers `(samples,)`, or
    standardised float32 targets `(samples, targets)`. All arrays are read-only memory maps, so that any
    number of trials share one copy.

    Attributes:
        directory: Where the arrays lie.
        spec: What they hold.
    """

    directory: Path
    spec: DataSpec

    def train(self) -> tuple[Array, Array]:
        """`(x, y)` to fit weights on."""
        return self._part("train")

    def validation(self) -> tuple[Array, Array]:
        """`(x, y)` to choose an architecture by."""
        return self._part("validation")

    def test(self) -> tuple[Array, Array]:
        """`(x, y)` to judge the chosen one by, once."""
        return self._part("test")

    def _part(self, name: str) -> tuple[Array, Array]:
        return _map(self.directory / f"x_{name}.npy"), _map(self.directory / f"y_{name}.npy")


def open_prepared(directory: Path | str) -> PreparedData:
    """Open what `prepare` wrote.

    Raises:
        DataError: The directory does not hold prepared data, or an array is damaged.
    """
    directory = Path(directory)
    try:
        spec = DataSpec.from_dict(json.loads((directory / _SPEC_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{directory} holds no prepared data ({error}): prepare it again.") from error
    prepared = PreparedData(directory, spec)
    parts = {
        "training": (prepared.train(), spec.num_train),
        "validation": (prepared.validation(), spec.num_validation),
        "test": (prepared.test(), spec.num_test),
    }
    for name, ((x, y), num_samples) in parts.items():
        if x.shape != (num_samples, *spec.input_shape) or len(y) != num_samples:
            raise DataError(f"The {name} part in {directory} does not fit its description: prepare it again.")
    return prepared


def write_spec(directory: Path, spec: DataSpec) -> None:
    """Write the specification into the directory of the arrays."""
    (directory / _SPEC_FILE).write_text(json.dumps(spec.to_dict(), indent=1), encoding="utf-8")


def write_inputs(
    directory: Path, part: str, chunks: Iterable[Array], shape: tuple[int, ...]
) -> tuple[float, float]:
    """Write the inputs of a part chunk by chunk, so that they never lie in memory whole.

    Returns:
        The least and the greatest value.
    """
    low, high = np.inf, -np.inf
    with (directory / f"x_{part}.npy").open("wb") as file:
        header = {"descr": np.dtype(np.float32).str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for chunk in chunks:
            low, high = min(low, float(chunk.min())), max(high, float(chunk.max()))
            file.write(np.ascontiguousarray(chunk).data)
    return low, high


def write_labels(directory: Path, part: str, labels: Array) -> None:
    """Write the labels of a part."""
    np.save(directory / f"y_{part}.npy", labels, allow_pickle=False)


def _map(path: Path) -> Array:
    try:
        mapped: Array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path} is damaged ({error}): prepare the data again.") from error
    return mapped
