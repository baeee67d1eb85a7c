"""How much memory the training of a model takes, estimated from its shapes before it begins."""

import math
from collections.abc import Iterator
from typing import Any

import keras

_STAND_IN = (8, 8)
_SLOTS_IF_UNKNOWN = 2
_BYTES = {"float64": 8, "int64": 8, "float16": 2, "bfloat16": 2, "int8": 1, "uint8": 1, "bool": 1}
_PER_STEP = ((keras.layers.LSTM, 11), (keras.layers.GRU, 10), (keras.layers.RNN, 3))
"""Arrays of the width of the state that a recurrent layer keeps of each step for the way back."""
_WITHOUT_OUTPUT = (
    keras.layers.InputLayer,
    keras.layers.Flatten,
    keras.layers.Reshape,
    keras.layers.Activation,
)
"""What gives its input another shape, or is counted with what it follows."""


def training_bytes(model: keras.Model, batch_size: int) -> int | None:
    """An estimate of the memory that training takes, beside the framework itself and the data.

    Weights w, their gradients g = w of the trainable ones, the optimizer's s slots, the weights of the best
    epoch, and of every layer's output a what is kept for the way back:

        2 w + (1 + s) g + batch_size (sum of a + 2 max a)

    A layer keeps its output, one with an activation also what goes into that, dropout its mask; recurrent
    layers keep their gates of every step, attention its scores. What a backend's kernels need while they run,
    what it frees early or computes again, and the fragments of its allocator are not known here; on a GPU
    cuDNN's workspaces come on top. `benchmarks/README.md` has the estimate beside measured peaks.

    Args:
        model: built and compiled.
        batch_size: samples per step.

    Returns:
        Bytes; of a model whose shapes cannot be seen (a subclassed one) only the part of the weights.
        None if it has no weights.
    """
    weights = sum(map(_variable_bytes, model.variables))
    trainable = sum(map(_variable_bytes, model.trainable_variables))
    if not weights:
        return None
    kept, largest = 0, 0
    for size in _kept_bytes(model):
        kept, largest = kept + size, max(largest, size)
    activations = batch_size * (kept + 2 * largest)
    return 2 * weights + (1 + _num_slots(model.optimizer)) * trainable + activations


def _num_slots(optimizer: Any) -> int:
    """How many arrays the optimizer keeps for each weight, found out with a small stand-in for one."""
    try:
        copy = type(optimizer).from_config(optimizer.get_config())
        copy.build([keras.Variable(keras.ops.zeros(_STAND_IN), name="stand_in")])
    except Exception:  # one of the user's own, that cannot be copied
        return _SLOTS_IF_UNKNOWN
    return sum(tuple(variable.shape) == _STAND_IN for variable in copy.variables)


def _kept_bytes(model: Any) -> Iterator[int]:
    """What each operation keeps of one sample."""
    for operation in getattr(model, "operations", getattr(model, "layers", ())):
        if isinstance(operation, keras.Model):
            yield from _kept_bytes(operation)
        elif not isinstance(operation, _WITHOUT_OUTPUT):
            yield from _kept_by(operation)


def _kept_by(operation: Any) -> Iterator[int]:
    try:
        outputs, inputs = keras.tree.flatten(operation.output), keras.tree.flatten(operation.input)
    except (AttributeError, ValueError):  # not called yet, or more than once
        return
    size = sum(map(_sample_bytes, outputs))
    yield size
    activation = getattr(operation, "activation", None)
    if activation is not None and activation is not keras.activations.linear:
        yield size
    if isinstance(operation, keras.layers.Dropout):
        yield size
    if isinstance(operation, keras.layers.RNN):
        steps, width = inputs[0].shape[1], outputs[0].shape[-1]
        per_step = next(number for kind, number in _PER_STEP if isinstance(operation, kind))
        yield per_step * (steps or 1) * width * _item_bytes(outputs[0])
    if isinstance(operation, keras.layers.MultiHeadAttention):
        queries, keys = inputs[0].shape[1] or 1, inputs[-1].shape[1] or 1
        width = operation.num_heads * operation.key_dim
        scores = 3 * operation.num_heads * queries * keys
        yield (scores + width * 2 * (queries + keys)) * _item_bytes(outputs[0])


def _sample_bytes(tensor: Any) -> int:
    return int(math.prod(size or 1 for size in tensor.shape[1:])) * _item_bytes(tensor)


def _item_bytes(tensor: Any) -> int:
    return _BYTES.get(keras.backend.standardize_dtype(tensor.dtype), 4)


def _variable_bytes(variable: Any) -> int:
    return int(math.prod(variable.shape)) * _item_bytes(variable)
