"""What stands between the data and the network, as the JSON that goes with every export."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from arnn_search.data import DataSpec
from arnn_search.errors import DataError

_FORMAT = 1
_HOW_RAW = "Texts of a table become one 0/1 feature per category; the network does the rest itself."
_HOW_SCALED = "(encoded - offset) / scale along the last axis, in float64, then float32; see data.scaling."


def describe_preprocess(spec: DataSpec, *, is_raw: bool) -> dict[str, Any]:
    """Says how inputs reach the network and what its outputs mean.

    Args:
        spec: what the trial was trained on.
        is_raw: whether the network scales its inputs (and unscales its targets) itself.

    Returns:
        JSON data: `format`, `inputs` (`"raw"` or `"scaled"`), `how`, `outputs`, and `data`, the
        specification with scaling, categories, class names and target scaling.
    """
    data = spec.to_dict()
    # Where the data lay on the machine that trained is nobody's business.
    del data["source"]
    outputs = "class probabilities, in the order of data.class_names"
    if spec.task == "regression":
        outputs = "targets in their own units" if is_raw else "standardised targets; see data.target_scaling"
    return {
        "format": _FORMAT,
        "inputs": "raw" if is_raw else "scaled",
        "how": _HOW_RAW if is_raw else _HOW_SCALED,
        "outputs": outputs,
        "data": data,
    }


def read_spec(preprocess: Mapping[str, Any]) -> DataSpec:
    """The specification in `preprocess.json`.

    Raises:
        DataError: it is damaged, or from a later version.
    """
    if preprocess.get("format") != _FORMAT:
        raise DataError(
            f"preprocess.json has the format {preprocess.get('format')!r}; this version reads {_FORMAT}."
        )
    try:
        return DataSpec.from_dict(preprocess["data"])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"preprocess.json is damaged ({error!r}): export the model again.") from error


def encoding_only(spec: DataSpec) -> DataSpec:
    """The same data with nothing left to scale: what a network with its own scaling is fed."""
    return replace(spec, scaling={**spec.scaling, "kind": "none"})


def unscale(spec: DataSpec, scaled: np.ndarray) -> np.ndarray:
    """Prepared inputs as the data hold them (texts encoded), float32."""
    if spec.scaling["kind"] == "none":
        return np.asarray(scaled, dtype=np.float32)
    offset, scale = (np.asarray(spec.scaling[key], dtype=np.float64) for key in ("offset", "scale"))
    return (scaled * scale + offset).astype(np.float32)
