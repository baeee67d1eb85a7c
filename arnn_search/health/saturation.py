"""How much of a network is saturated or dead, seen on a small fixed batch."""

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

_DEAD_AT_ZERO = frozenset({"relu", "relu6"})


class SaturationProbe:
    """Measures, on one batch, the share of pre-activations outside their activation's dynamic region.

    Only outputs are read: sigmoid, tanh and their like are monotone, so |z| > L exactly where the output lies
    outside [σ(-L), σ(L)], whether or not the activation is fused into its layer. For ReLU-like activations
    the share of units counts that are zero for the whole batch (dead on this batch). The layers that produce
    the model's outputs are left out: a sure softmax is no illness.

    Args:
        model: a functional or sequential model; others have no layer outputs to look at, and give NaN.
        inputs: the batch, shape `(batch, ...)`; 64 to 256 samples are enough.
        dynamic_region: returns the L of an activation (a function), or None where it has no bounded region.
    """

    def __init__(
        self,
        model: keras.Model,
        inputs: Any,
        *,
        dynamic_region: Callable[[Callable[..., Any]], float | None],
    ) -> None:
        self.layer_names: tuple[str, ...] = ()
        self._rules: list[tuple[float, float] | None] = []
        self._inputs = inputs if isinstance(inputs, (list, tuple, dict)) else [inputs]
        self._outputs_of: keras.Model | None = None
        watched = _watched_layers(model)
        outputs = []
        for layer, activation in watched:
            name = getattr(activation, "__name__", "")
            region = dynamic_region(activation)
            if name in _DEAD_AT_ZERO:
                self._rules.append(None)
            elif region is not None:
                self._rules.append(_output_bounds(activation, region))
            else:
                continue
            outputs.append(layer.output)
            self.layer_names += (layer.name,)
        if outputs:
            self._outputs_of = keras.Model(model.inputs, outputs)

    def measure(self) -> dict[str, float]:
        """The saturated (or dead) share in [0, 1] of each watched layer, by layer name."""
        if self._outputs_of is None:
            return {}
        outputs = self._outputs_of(self._inputs, training=False)
        outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        return {
            name: _share(np.asarray(ops.convert_to_numpy(ops.cast(output, "float32"))), rule)
            for name, output, rule in zip(self.layer_names, outputs, self._rules, strict=True)
        }

    def mean(self) -> float:
        """The mean share over layers; NaN if no layer can be watched."""
        shares = list(self.measure().values())
        return float(np.mean(shares)) if shares else math.nan


def _watched_layers(model: keras.Model) -> list[tuple[Any, Callable[..., Any]]]:
    """The layers with an activation and exactly one output in the model's own graph."""
    if not isinstance(model, keras.Sequential) and not hasattr(model, "operations"):
        return []
    if not getattr(model, "inputs", None):
        return []
    final = {id(tensor) for tensor in model.outputs}
    watched = []
    for layer in model.layers:
        activation = keras.activations.relu if isinstance(layer, keras.layers.ReLU) else None
        activation = getattr(layer, "activation", activation)
        if not callable(activation):
            continue
        try:
            output = layer.output
        except (AttributeError, ValueError):  # shared layers have several outputs, and no single one
            continue
        if not isinstance(output, (list, tuple)) and id(output) not in final:
            watched.append((layer, activation))
    return watched


def _output_bounds(activation: Callable[..., Any], region: float) -> tuple[float, float]:
    ends = np.asarray(
        ops.convert_to_numpy(activation(ops.convert_to_tensor([-region, region], dtype="float32")))
    )
    return float(ends.min()), float(ends.max())


def _share(output: Any, bounds: tuple[float, float] | None) -> float:
    if bounds is None:
        return float((output == 0).all(axis=tuple(range(output.ndim - 1))).mean())
    return float(((output < bounds[0]) | (output > bounds[1])).mean())
