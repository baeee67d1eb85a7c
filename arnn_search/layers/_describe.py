"""A network's layers in a table: which of them rotate, how far, and where their reference points lie."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from arnn_search.layers._parts import parts_of

_TITLES = ("layer", "family", "limit", "range in", "reference point", "smallest |f(x_Q)|", "largest rho")
_NORMALISATIONS = (
    keras.layers.BatchNormalization,
    keras.layers.LayerNormalization,
    keras.layers.GroupNormalization,
    keras.layers.RMSNormalization,
)


@dataclasses.dataclass(frozen=True)
class LayerDescription:
    """One layer of a network. What only a rotating layer has is None elsewhere."""

    layer: str
    """Its name, behind those of the models that it is nested in: `encoder/dense`."""
    family: str
    """`"ar"` of a layer that rotates, `"bn"` of a normalisation, `"classic"` of any other with weights."""
    limit: tuple[float, float] | None = None
    """Smallest and largest L of its units."""
    range_in: tuple[float, float] | None = None
    """Of the values that enter, as its reference point takes it."""
    reference_point: str | None = None
    """`"uniform"`, `"aligned"`, or `"vector"`."""
    smallest_response: float | None = None
    """The smallest |f(x_Q)| of its units (and positions): near 0, rho explodes."""
    largest_rho: float | None = None
    """The largest rho of its units (and positions)."""


@dataclasses.dataclass(frozen=True)
class Description:
    """The table; `str` of it is what is printed."""

    rows: tuple[LayerDescription, ...]

    def __str__(self) -> str:
        table = [_TITLES, *map(_cells, self.rows)]
        widths = [max(len(line[column]) for line in table) for column in range(len(_TITLES))]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in table
        ]
        return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def describe(model: keras.Model, *, show: bool = True) -> Description:
    """The layers of a network that hold weights, with what the Auto-Rotation makes of them now.

    Layers of nested models are included under their path; a layer that is used twice has one row. f(x_Q) and
    ρ are left open where the model is not built, or where they depend on a size of input that is open.

    Args:
        model: any Keras model.
        show: whether to print the table too.

    Returns:
        The table; its `rows` are one `LayerDescription` for each layer.

    Example:
        ```python
        table = describe(model)
        max(row.largest_rho for row in table.rows if row.family == "ar")
        ```
    """
    seen: set[int] = set()
    table = Description(tuple(_describe_layer(layer, path) for layer, path in _layers_of(model, "", seen)))
    if show:
        print(table)
    return table


def _layers_of(holder: Any, path: str, seen: set[int]) -> Iterator[tuple[Any, str]]:
    for layer in holder.layers:
        if id(layer) in seen:
            continue
        seen.add(id(layer))
        name = f"{path}{layer.name}"
        if isinstance(layer, keras.Model):
            yield from _layers_of(layer, f"{name}/", seen)
        elif _rotates(layer) or layer.weights:
            yield from _rotating_parts(layer, name, seen)


def _rotating_parts(layer: Any, name: str, seen: set[int]) -> Iterator[tuple[Any, str]]:
    """The layer, or the rotating layers that it wraps."""
    parts = [] if _rotates(layer) else [part for part in _sublayers(layer) if _rotates(part)]
    if not parts:
        yield layer, name
    for part in parts:
        if id(part) not in seen:
            seen.add(id(part))
            yield part, f"{name}/{part.name}"


def _sublayers(layer: Any) -> Iterator[Any]:
    for part in parts_of(layer):
        yield part
        if not _rotates(part):
            yield from _sublayers(part)


def _rotates(layer: Any) -> bool:
    return bool(getattr(layer, "auto_rotation", False))


def _describe_layer(layer: Any, name: str) -> LayerDescription:
    if not _rotates(layer):
        return LayerDescription(name, "bn" if isinstance(layer, _NORMALISATIONS) else "classic")
    point = layer.reference_point
    row = LayerDescription(
        name, "ar", range_in=layer.value_range, reference_point=point if isinstance(point, str) else "vector"
    )
    if not layer.built:
        return row
    limits = np.asarray(keras.ops.convert_to_numpy(layer.limit_values()))
    row = dataclasses.replace(row, limit=(float(limits.min()), float(limits.max())))
    try:
        smallest = float(np.abs(keras.ops.convert_to_numpy(layer.reference_response())).min())
        largest = float(keras.ops.convert_to_numpy(layer.rho()).max())
    except ValueError:  # it depends on a size of input that is open
        return row
    return dataclasses.replace(row, smallest_response=smallest, largest_rho=largest)


def _cells(row: LayerDescription) -> tuple[str, ...]:
    limit = ""
    if row.limit is not None:
        low, high = (f"{end:.4g}" for end in row.limit)
        limit = low if low == high else f"{low} to {high}"
    range_in = "" if row.range_in is None else " to ".join(f"{end:.4g}" for end in row.range_in)
    numbers = [
        "" if number is None else f"{number:.4g}" for number in (row.smallest_response, row.largest_rho)
    ]
    return row.layer, row.family, limit, range_in, row.reference_point or "", *numbers
