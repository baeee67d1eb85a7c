"""Raw inputs to model inputs: fitted on the training part, applied to anything."""

from collections.abc import Mapping
from typing import Any, Literal, get_args

import numpy as np

from arnn_search.data.checks import row_chunks
from arnn_search.data.raw import Array, RawData
from arnn_search.data.spec import DataSpec
from arnn_search.errors import DataError

ScalingKind = Literal["auto", "none", "minmax", "standard"]
SCALING_KINDS: tuple[str, ...] = get_args(ScalingKind)

_IMAGE_RANK = 3


def fit_scaling(raw: RawData, rows: Array, kind: str) -> dict[str, Any]:
    """Find the scaling of `DataSpec.scaling` from the training rows.

    Images are `minmax` with one range for all pixels, other inputs `standard` for each feature, unless
    `kind` says otherwise. A feature that is constant in training is shifted and not stretched; the 0 and 1
    of categories stay as they are.

    Args:
        raw: The data; `check_inputs` has passed.
        rows: Row numbers of the training part in `raw.x`.
        kind: One of `SCALING_KINDS`.
    """
    is_image = raw.x.ndim - 1 >= _IMAGE_RANK
    if kind == "auto":
        kind = "minmax" if is_image else "standard"
    scaling: dict[str, Any] = {"kind": kind, "columns": list(raw.columns), "categories": {}}
    is_number: Array | None = None
    if raw.text_columns:
        positions = {column: index for index, column in enumerate(raw.columns)}
        scaling["categories"] = {
            column: sorted(set(raw.x[rows, positions[column]].tolist())) for column in raw.text_columns
        }
        categories = scaling["categories"]
        num_features = [len(categories.get(column, " ")) for column in raw.columns]
        is_number = np.repeat([column not in categories for column in raw.columns], num_features)
    offset, scale = _fit(raw.x, rows, scaling, is_image)
    if is_number is not None and kind != "none":
        offset, scale = np.where(is_number, offset, 0.0), np.where(is_number, scale, 1.0)
    return {**scaling, "offset": offset.tolist(), "scale": scale.tolist()}


def fit_target_scaling(targets: Array) -> dict[str, list[float]]:
    """Mean and scale of each column of the training targets `(samples, targets)`."""
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(targets)
    return {"mean": scaler.mean_.tolist(), "scale": scaler.scale_.tolist()}


def transform(scaling: Mapping[str, Any], x: Array) -> Array:
    """Scale raw inputs of the shape that `scaling` was fitted on; float32."""
    encoded = _encode(scaling, x)
    if scaling["kind"] == "none":
        return encoded.astype(np.float32)
    offset, scale = (np.asarray(scaling[key], dtype=np.float64) for key in ("offset", "scale"))
    return ((encoded - offset) / scale).astype(np.float32)


def apply_scaling(spec: DataSpec, raw_x: Any) -> Array:
    """Turn raw inputs into what the model was trained on.

    Args:
        spec: The specification that the model was trained with.
        raw_x: Raw samples as an array `(samples, ...)`; images may lack the last axis if it has one channel.
            For tables also a pandas frame, from which the columns are taken by name. Texts that training
            never saw become zeros.

    Returns:
        float32 `(samples, *spec.input_shape)`.

    Raises:
        DataError: The shape or the columns do not fit, or a value is no number.
    """
    columns = list(spec.scaling.get("columns", ()))
    if columns and hasattr(raw_x, "columns"):
        missing = [column for column in columns if column not in raw_x.columns]
        if missing:
            raise DataError(f"The inputs lack the columns {', '.join(missing)} of {spec.name}: add them.")
        raw_x = raw_x[columns].to_numpy()
    x = np.asarray(raw_x)
    expected = (len(columns),) if columns else spec.input_shape
    if x.ndim and (*x.shape[1:], 1) == expected:
        x = x[..., np.newaxis]
    if not x.ndim or x.shape[1:] != expected:
        wanted = ", ".join(map(str, ("samples", *expected)))
        raise DataError(f"Inputs for {spec.name} must have shape ({wanted}). Received: {x.shape}.")
    try:
        return transform(spec.scaling, x)
    except (TypeError, ValueError) as error:
        raise DataError(f"Inputs for {spec.name} must be numbers: {error}.") from error


def restore_targets(spec: DataSpec, scaled: Array) -> Array:
    """Predictions of a regression in the units of the data: `scaled * scale + mean`, `(samples, targets)`."""
    if spec.target_scaling is None:
        return scaled
    mean, scale = (np.asarray(spec.target_scaling[key], dtype=np.float64) for key in ("mean", "scale"))
    return scaled * scale + mean


def _encode(scaling: Mapping[str, Any], x: Array) -> Array:
    categories = scaling.get("categories")
    if not categories:
        return x.astype(np.float64)
    features = []
    for index, column in enumerate(scaling["columns"]):
        if column in categories:
            texts = np.array([str(value) for value in x[:, index]], dtype=object)
            features.append(texts[:, np.newaxis] == np.array(categories[column], dtype=object))
        else:
            features.append(x[:, index : index + 1].astype(np.float64))
    return np.concatenate(features, axis=1).astype(np.float64)


def _fit(x: Array, rows: Array, scaling: Mapping[str, Any], is_image: bool) -> tuple[Array, Array]:
    from sklearn.preprocessing import MinMaxScaler, StandardScaler

    if scaling["kind"] == "none":
        return np.zeros(1), np.ones(1)
    scaler = StandardScaler() if scaling["kind"] == "standard" else MinMaxScaler()
    one_range = is_image and scaling["kind"] == "minmax"
    for chunk in row_chunks(len(rows), x[0].size):
        encoded = _encode(scaling, x[rows[chunk]])
        scaler.partial_fit(encoded.reshape(-1, 1 if one_range else encoded.shape[-1]))
    if scaling["kind"] == "standard":
        return scaler.mean_, scaler.scale_
    # MinMaxScaler multiplies by its scale, with 1 where the range is 0.
    return scaler.data_min_, 1.0 / scaler.scale_
