"""The architecture as a picture: layers as boxes from top to bottom, in plain SVG."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

_WIDTH, _HEIGHT, _GAP, _MARGIN, _ROOM = 430, 34, 16, 12, 90
_RHO, _TIMES = "\N{GREEK SMALL LETTER RHO} ", " \N{MULTIPLICATION SIGN} "
_COLOURS = {
    "input": "#d9e2ec",
    "convolution": "#bcd7f5",
    "dense": "#c9e7c4",
    "normalisation": "#f5e3b3",
    "pooling": "#e2d3ef",
    "other": "#eeeeee",
}
_KINDS = {
    "Input": "input",
    "Conv": "convolution",
    "Dense": "dense",
    "Normalization": "normalisation",
    "Pooling": "pooling",
}


@dataclass(frozen=True)
class Box:
    """A layer of the network as the trial trained it.

    Attributes:
        name: the layer's name.
        kind: its class.
        detail: activation and limit, if it has any.
        shape: what comes out of it, without the batch.
        num_parameters: its weights.
        limit: its limit L, the mean of several; None if it is not auto-rotating.
        sources: positions of the layers that it follows.
    """

    name: str
    kind: str
    detail: str
    shape: str
    num_parameters: int
    limit: float | None
    sources: tuple[int, ...]


def describe_layers(model: Any) -> Iterator[Box]:
    """The layers of a functional or sequential model in the order in which they are computed."""
    entries = {entry.get("name"): entry for entry in model.get_config().get("layers", [])}
    positions: dict[str, int] = {}
    for position, layer in enumerate(model.layers):
        positions[layer.name] = position
        found = set(_source_names(entries.get(layer.name, {}).get("inbound_nodes", [])))
        sources = tuple(sorted(positions[name] for name in found if name in positions))
        if not found and position and "Input" not in type(layer).__name__:
            sources = (position - 1,)
        yield Box(
            name=layer.name,
            kind=type(layer).__name__,
            detail=_detail(layer),
            shape=_TIMES.join(str(size) for size in _shape(layer)),
            num_parameters=layer.count_params(),
            limit=_limit(layer),
            sources=sources,
        )


def draw(boxes: Sequence[Box], *, title: str) -> str:
    """The network as one SVG element; auto-rotating layers have a thick border."""
    step = _HEIGHT + _GAP
    height = 2 * _MARGIN + len(boxes) * step - _GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH + 2 * _ROOM} {height}" '
        f'width="{_WIDTH + 2 * _ROOM}" height="{height}" font-family="sans-serif" font-size="13">',
        f"<title>{escape(title)}</title>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" '
        'orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="#555"/></marker></defs>',
    ]
    for position, box in enumerate(boxes):
        parts += [_arrow(source, position) for source in box.sources]
        parts.append(_box(box, _MARGIN + position * step))
    return "\n".join([*parts, "</svg>"])


def _box(box: Box, top: int) -> str:
    kind = next((colour for word, colour in _KINDS.items() if word in box.kind), "other")
    stroke = 'stroke="#b3261e" stroke-width="2"' if box.limit is not None else 'stroke="#777"'
    text = f"{_RHO if box.limit is not None else ''}{box.kind}{f' {box.detail}' if box.detail else ''}"
    counted = f"{box.num_parameters:,} weights" if box.num_parameters else ""
    middle = top + _HEIGHT // 2 + 5
    return (
        f'<rect x="{_ROOM}" y="{top}" width="{_WIDTH}" height="{_HEIGHT}" rx="5" fill="{_COLOURS[kind]}" '
        f"{stroke}><title>{escape(box.name)}</title></rect>"
        f'<text x="{_ROOM + 10}" y="{middle}">{escape(text)}</text>'
        f'<text x="{_ROOM + _WIDTH - 10}" y="{middle}" text-anchor="end" fill="#444">'
        f"{escape(box.shape)}{f' · {counted}' if counted else ''}</text>"
    )


def _arrow(source: int, target: int) -> str:
    step = _HEIGHT + _GAP
    bottom = _MARGIN + source * step + _HEIGHT
    top = _MARGIN + target * step
    middle = _ROOM + _WIDTH // 2
    way = f"M{middle} {bottom} L{middle} {top}"
    if target - source > 1:  # past the boxes between them
        side = _ROOM + _WIDTH
        start, end = bottom - _HEIGHT // 2, top + _HEIGHT // 2
        way = f"M{side} {start} C{side + _ROOM} {start} {side + _ROOM} {end} {side} {end}"
    return f'<path d="{way}" fill="none" stroke="#555" marker-end="url(#tip)"/>'


def _shape(layer: Any) -> tuple[Any, ...]:
    shape: Any = getattr(layer, "output", None)
    shape = shape[0].shape if isinstance(shape, (list, tuple)) else getattr(shape, "shape", ())
    return tuple(shape[1:])


def _detail(layer: Any) -> str:
    config = layer.get_config()
    words = [str(config[key]) for key in ("filters", "units", "rate", "pool_size") if key in config]
    activation = config.get("activation")
    if isinstance(activation, str):
        words.append(activation)
    if hasattr(layer, "limit_values"):
        words.append("L learned" if config.get("learn_limit") else "L fixed")
    return " ".join(words)


def _limit(layer: Any) -> float | None:
    import keras

    if not hasattr(layer, "limit_values"):
        return None
    return float(keras.ops.convert_to_numpy(layer.limit_values()).mean())


def _source_names(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            yield value["config"]["keras_history"][0]
            return
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _source_names(item)
