"""What the Auto-Rotation does in a network, layer by layer."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from arnn_search.layers._activations import Range
from arnn_search.layers._rotated import AutoRotated

_HEADINGS = (
    "layer",
    "type",
    "family",
    "limit",
    "range in",
    "reference point",
    "smallest |f(x_Q)|",
    "largest rho",
)


@dataclasses.dataclass(frozen=True)
class LayerDescription:
    """One layer with weights.

    Attributes:
        layer: its name, after those of the models that it is nested in.
        type: its class.
        family: `"ar"`, `"bn"` or `"classic"`.
        limit: smallest and largest L of its units; None where nothing rotates, as in what follows.
        learned: whether L is trained.
        range_in: the range of the values that enter.
        reference_point: `"uniform"`, `"aligned"` or `"vector"`.
        smallest_response: smallest |f(x_Q)|: near 0, rho is large.
        largest_rho: largest rho.
    """

    layer: str
    type: str
    family: str
    limit: Range | None = None
    learned: bool = False
    range_in: Range | None = None
    reference_point: str | None = None
    smallest_response: float | None = None
    largest_rho: float | None = None


class Description(tuple[LayerDescription, ...]):
    """The layers in order; as text, a table."""

    def __str__(self) -> str:
        rows = [_HEADINGS, *(_cells(layer) for layer in self)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def describe(model: keras.Model, *, show: bool = True) -> Description:
    """Tells limit, value range, reference point, smallest |f(x_Q)| and largest rho of every layer.

    Args:
        model: a model that is built.
        show: whether the table is printed.

    Returns:
        One row for each layer that has weights, from input to output; a shared layer once, and layers of
        nested models under the names of those.

    Raises:
        ValueError: the model is not built.

    Example:
        ```python
        rows = describe(model)
        unstable = [row.layer for row in rows if row.largest_rho and row.largest_rho > 1e3]
        ```
    """
    if not model.built:
        raise ValueError(f"The model {model.name!r} has no weights yet; build it before describing it.")
    seen: set[int] = set()
    description = Description(_described(layer, path) for layer, path in _layers(model, "", seen))
    if show:
        print(description)
    return description


def _layers(model: Any, prefix: str, seen: set[int]) -> Iterator[tuple[Any, str]]:
    for layer in model.layers:
        if id(layer) in seen:
            continue
        seen.add(id(layer))
        path = f"{prefix}{layer.name}"
        if isinstance(layer, keras.Model):
            yield from _layers(layer, f"{path}/", seen)
        elif layer.weights:
            yield layer, path


def _described(layer: Any, path: str) -> LayerDescription:
    kind = type(layer).__name__
    if not (isinstance(layer, AutoRotated) and layer.auto_rotation):
        is_normalised = isinstance(layer, keras.layers.BatchNormalization)
        return LayerDescription(path, kind, "bn" if is_normalised else "classic")
    limits, responses, rhos = (
        np.asarray(keras.ops.convert_to_numpy(values))
        for values in (layer.limit_values(), layer.reference_response(), layer.rho())
    )
    point = layer.reference_point
    return LayerDescription(
        path,
        kind,
        "ar",
        limit=(float(limits.min()), float(limits.max())),
        learned=layer.learn_limit,
        range_in=layer.value_range,
        reference_point=point if isinstance(point, str) else "vector",
        smallest_response=float(np.abs(responses).min()),
        largest_rho=float(rhos.max()),
    )


def _cells(row: LayerDescription) -> tuple[str, ...]:
    if row.limit is None:
        return row.layer, row.type, row.family, "-", "-", "-", "-", "-"
    low, high = row.limit
    limit = f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"
    range_in = "-" if row.range_in is None else f"{row.range_in[0]:.4g} to {row.range_in[1]:.4g}"
    return (
        row.layer,
        row.type,
        row.family,
        f"{limit} (learned)" if row.learned else limit,
        range_in,
        row.reference_point or "-",
        f"{row.smallest_response:.3g}",
        f"{row.largest_rho:.3g}",
    )
