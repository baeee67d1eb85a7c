"""The range of the values that enter a layer, carried through a network from its inputs.

An auto-rotating layer puts its reference point outside that range. Nobody has to type it: the input knows
the range of the data (`Input`), and every stock layer between says what it does to it.
"""

from collections.abc import Sequence
from typing import Any

import keras

from arnn_search.layers._activations import Range
from arnn_search.layers._operation_range import range_after, range_of_constant

DEFAULT_RANGE: Range = (0.0, 1.0)
"""What an input is taken to hold if nobody says."""

_ATTRIBUTE = "arnn_value_range"


def Input(shape: Sequence[int | None], *, value_range: Range | None = None, **kwargs: Any) -> Any:
    """`keras.Input` that knows the range of its values.

    Args:
        shape: of one sample, without the batch.
        value_range: smallest and largest value of the data; None stands for (0, 1).
        **kwargs: as of `keras.Input`.

    Returns:
        The symbolic input, `(batch, *shape)`.

    Raises:
        ValueError: the range is not `(low, high)` with finite low < high.
    """
    tensor = keras.Input(shape, **kwargs)
    if value_range is not None:
        setattr(tensor, _ATTRIBUTE, check_value_range(value_range))
    return tensor


def check_value_range(value_range: Any) -> Range:
    """The range as two floats.

    Raises:
        ValueError: it is not `(low, high)` with finite low < high.
    """
    try:
        low, high = (float(value) for value in value_range)
    except (TypeError, ValueError):
        low = high = 0.0
    if not (low < high and abs(low) < float("inf") and abs(high) < float("inf")):
        raise ValueError(
            f"`value_range` must be (low, high) with finite low < high. Received: {value_range}."
        )
    return low, high


def infer_value_range(tensor: Any) -> Range:
    """The range of a symbolic tensor's values, from its inputs through the operations in between.

    Every call of a shared layer counts by itself, and so does every layer of a nested model. Values that a
    graph says nothing about (an input of `keras.Input`, a tensor that is not symbolic) are taken to lie in
    `DEFAULT_RANGE`. A nested model's own layers know what its own inputs say (`Input`), not what it is
    called with later: they were built before.
    """
    if not isinstance(tensor, keras.KerasTensor):
        return DEFAULT_RANGE
    inputs = keras.utils.get_source_inputs(tensor)
    inputs = inputs if isinstance(inputs, (list, tuple)) else [inputs]
    if any(source is tensor for source in inputs):
        return _range_of(tensor)
    return _carried(keras.Model(inputs, tensor), [_range_of(source) for source in inputs])[0]


def _carried(model: keras.Model, ranges: list[Range]) -> list[Range]:
    """The ranges of a model's outputs, of those of its inputs."""
    sources = [keras.Input(batch_shape=(None,)) for _ in model.inputs]
    for source, value in zip(sources, ranges, strict=False):
        setattr(source, _ATTRIBUTE, value)
    inputs = keras.tree.pack_sequence_as(model.input, sources)
    carrier = keras.models.clone_model(model, input_tensors=inputs, clone_function=_RangeCarrier)
    return [_range_of(output) for output in carrier.outputs]


def _range_of(tensor: Any) -> Range:
    return getattr(tensor, _ATTRIBUTE, DEFAULT_RANGE)


class _RangeCarrier(keras.Operation):  # type: ignore[misc]
    """Stands in a graph where an operation stood, and carries ranges instead of values."""

    def __init__(self, operation: Any) -> None:
        super().__init__()
        self.operation = operation

    def call(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("Ranges are carried through a graph, not values.")

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        operands = keras.tree.flatten(
            args if isinstance(self.operation, keras.layers.Layer) else (args, kwargs)
        )
        ranges = [
            _range_of(value) if isinstance(value, keras.KerasTensor) else range_of_constant(value)
            for value in operands
        ]
        known = [value for value in ranges if value is not None] or [DEFAULT_RANGE]
        if isinstance(self.operation, keras.Model) and hasattr(self.operation, "inputs"):
            after = _carried(keras.Model(self.operation.inputs, self.operation.outputs), known)
        else:
            num_outputs = len(keras.tree.flatten(self.operation.output))
            after = [range_after(self.operation, known)] * num_outputs
        tensors = [keras.KerasTensor((None,), "float32") for _ in after]
        for tensor, value in zip(tensors, after, strict=True):
            setattr(tensor, _ATTRIBUTE, value)
        return tensors if len(tensors) > 1 else tensors[0]
