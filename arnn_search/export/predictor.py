"""Using an exported model: raw inputs in, class names and probabilities (or targets) out."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from arnn_search.data import DataSpec, apply_scaling, restore_targets
from arnn_search.errors import ExportError
from arnn_search.export.formats import FORMATS
from arnn_search.export.formats.format import ExportFormat, Predict
from arnn_search.export.preprocess import encoding_only, read_spec


@dataclass(frozen=True)
class Predictor:
    """An exported model that is open.

    Attributes:
        path: the file or folder that was opened.
        format: its format.
        spec: the data that it was trained on.
        is_raw: whether it scales its inputs, and unscales its targets, itself.
    """

    path: Path
    format: ExportFormat
    spec: DataSpec
    is_raw: bool
    _predict: Predict

    def predict(self, raw_inputs: Any) -> np.ndarray:
        """Outputs for inputs as the data hold them: probabilities, or targets in their own units.

        Args:
            raw_inputs: samples as an array `(samples, ...)`, or a pandas frame for a table.

        Returns:
            `(samples, outputs)`.

        Raises:
            DataError: the inputs do not fit.
        """
        spec = encoding_only(self.spec) if self.is_raw else self.spec
        outputs = np.asarray(self._predict(apply_scaling(spec, raw_inputs)))
        return outputs if self.is_raw else restore_targets(self.spec, outputs)

    def strangeness(self, raw_inputs: Any) -> str:
        """What is far outside of anything that training has seen, in words; empty if nothing is."""
        scaled = apply_scaling(self.spec, raw_inputs)
        low, high = self.spec.value_range
        if scaled.size and (scaled.min() < 2 * low - high or scaled.max() > 2 * high - low):
            return (
                f"Scaled, the inputs reach from {scaled.min():.3g} to {scaled.max():.3g}; in training they "
                f"reached from {low:.3g} to {high:.3g}. Are they in the same units?"
            )
        return ""


def open_model(path: Path) -> Predictor:
    """Opens a model that `arnn-search export` has written.

    Args:
        path: a file, a SavedModel, or an export folder, of which the first format with weights is taken.

    Raises:
        ExportError: there is nothing, or nothing that says what its inputs mean.
    """
    if not path.exists():
        raise ExportError(f"There is no model {path}. `arnn-search export --out {path}` writes one.")
    entry, file = _find(path)
    preprocess = _opened(entry, file, lambda: entry.read_preprocess(file)) or _beside(file)
    if preprocess is None:
        raise ExportError(
            f"{file} does not say how its inputs are scaled, and there is no preprocess.json beside it: "
            "export it with `arnn-search export`."
        )
    if entry.name in ("keras", "python"):
        import arnn_search.layers  # noqa: F401  (registers the layers that a file may hold unfolded)
    predict: Predict = _opened(entry, file, lambda: entry.opener(str(file)))
    return Predictor(file, entry, read_spec(preprocess), preprocess["inputs"] == "raw", predict)


def _opened(entry: ExportFormat, file: Path, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except ImportError as error:
        raise ExportError(
            f"{file} cannot be opened here: {error}. Install what {entry.name} needs."
        ) from error
    except Exception as error:  # a damaged file makes each runtime raise something of its own
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise ExportError(f"{file} cannot be opened as {entry.name}: {reason}") from error


def _find(path: Path) -> tuple[ExportFormat, Path]:
    usable = [entry for entry in FORMATS.values() if entry.has_weights]
    for entry in usable:
        if entry.matches(path):
            return entry, path
    if path.is_dir():
        for entry in usable:
            if entry.matches(path / entry.file_name) and entry.is_installed:
                return entry, path / entry.file_name
    known = ", ".join(entry.suffix or entry.file_name for entry in usable)
    raise ExportError(f"{path} is no exported model. Known: {known}, or a folder that holds one of them.")


def _beside(file: Path) -> Mapping[str, Any] | None:
    try:
        content: Mapping[str, Any] = json.loads((file.parent / "preprocess.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content
