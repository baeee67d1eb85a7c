"""How much memory the training of a model takes, estimated from its shapes before it begins."""

import math
from collections.abc import Iterator
from typing import Any

import keras

_STAND_IN = (8, 8)
_SLOTS_IF_UNKNOWN = 2
_BYTES = {"float64": 8, "int64": 8, "float16": 2, "bfloat16": 2, "int8": 1, "uint8": 1, "bool": 1}
_KEPT_EACH_STEP = 14
"""Arrays of the width of the state that a recurrent layer keeps of each step for the way back."""
_KEPT_SCORES = 3
"""Arrays of the size of the scores that attention keeps: before and after the softmax, and its dropout's."""
_FROM_OUTPUT = frozenset({"linear", "relu", "tanh", "sigmoid", "softmax", "elu", "selu"})
"""Activations whose gradient is found from what they gave; of all others what went in is kept, too."""
_WITHOUT_OUTPUT = (
    keras.layers.InputLayer,
    keras.layers.Flatten,
    keras.layers.Reshape,
    keras.layers.Activation,
)
"""What gives its input another shape, or is counted with what it follows."""


def training_bytes(model: keras.Model, batch_size: int) -> int | None:
    """An estimate of the memory that training takes, beside the framework itself and the data.

    Weights w twice (those of the best epoch are kept), for the trainable ones g gradients and the optimizer's
    s slots, once more for the largest of them, which the optimizer is at work on; for each sample what is
    kept for the way back k, and the largest output a of a layer, which is there twice more on that way:

        2 w + (1 + s) (sum of g + max g) + batch_size (sum of k + 2 max a)

    A layer keeps its output; most of what goes into its activation can be found from that, so that normalised
    and rotating layers keep little more. Dropout keeps its mask, recurrent layers their gates of every step,
    attention its scores. What a backend's kernels need while they run, what it frees early or computes again,
    and the fragments of its allocator are not known here; on a GPU cuDNN's workspaces come on top. Measured
    peaks (TensorFlow, CPU) were 0.8 to 1.4 times the estimate; `benchmarks/README.md` has them.

    Args:
        model: built and compiled.
        batch_size: samples per step.

    Returns:
        Bytes; of a model whose shapes cannot be seen (a subclassed one) only the part of the weights.
        None if it has no weights.
    """
    weights = sum(map(_variable_bytes, model.variables))
    gradients = list(map(_variable_bytes, model.trainable_variables))
    optimized = (1 + _num_slots(model.optimizer)) * (sum(gradients) + max(gradients, default=0))
    if not weights:
        return None
    kept, largest = 0, 0
    for operation in _operations(model):
        output, within = _kept_by(operation)
        kept, largest = kept + output + within, max(largest, output)
    activations = batch_size * (kept + 2 * largest)
    return 2 * weights + optimized + activations


def _num_slots(optimizer: Any) -> int:
    """How many arrays the optimizer keeps for each weight, found out with a small stand-in for one."""
    try:
        copy = type(optimizer).from_config(optimizer.get_config())
        copy.build([keras.Variable(keras.ops.zeros(_STAND_IN), name="stand_in")])
    except Exception:  # one of the user's own, that cannot be copied
        return _SLOTS_IF_UNKNOWN
    return sum(tuple(variable.shape) == _STAND_IN for variable in copy.variables)


def _operations(model: Any) -> Iterator[Any]:
    """The layers and operations that a model consists of, those of models within it included."""
    for operation in getattr(model, "operations", getattr(model, "layers", ())):
        if isinstance(operation, keras.Model):
            yield from _operations(operation)
        elif not isinstance(operation, _WITHOUT_OUTPUT):
            yield operation


def _kept_by(operation: Any) -> tuple[int, int]:
    """The bytes of one sample's output, and of what else is kept of it."""
    try:
        outputs, inputs = keras.tree.flatten(operation.output), keras.tree.flatten(operation.input)
    except (AttributeError, ValueError):  # not called yet, or more than once
        return 0, 0
    output, item = sum(map(_sample_bytes, outputs)), _item_bytes(outputs[0])
    within = 0
    if getattr(getattr(operation, "activation", None), "__name__", "linear") not in _FROM_OUTPUT:
        within += output
    if isinstance(operation, keras.layers.Dropout):
        within += output // 4  # one byte for each that is left out or not
    if isinstance(operation, keras.layers.RNN):
        within += _KEPT_EACH_STEP * (inputs[0].shape[1] or 1) * outputs[0].shape[-1] * item
    if isinstance(operation, keras.layers.MultiHeadAttention):
        queries, keys = inputs[0].shape[1] or 1, inputs[-1].shape[1] or 1
        projected = 2 * (queries + keys) * operation.key_dim
        within += operation.num_heads * (_KEPT_SCORES * queries * keys + projected) * item
    return output, within


def _sample_bytes(tensor: Any) -> int:
    return int(math.prod(size or 1 for size in tensor.shape[1:])) * _item_bytes(tensor)


def _item_bytes(tensor: Any) -> int:
    return _BYTES.get(keras.backend.standardize_dtype(tensor.dtype), 4)


def _variable_bytes(variable: Any) -> int:
    return int(math.prod(variable.shape)) * _item_bytes(variable)
