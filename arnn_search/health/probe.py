"""Gradient health at initialisation: measured before any training, for the price of a few steps."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from arnn_search.health import indices
from arnn_search.health.saturation import SaturationProbe
from arnn_search.health.telemetry import Array, GradientTelemetry

PROBE_BATCHES = 4


@dataclass(frozen=True)
class InitialHealth:
    """What a network's gradients are before it has learned anything.

    Attributes:
        layer_names: the followed kernels, from input to output.
        gradient_rms: mean over the batches of the root mean square gradient of each kernel; shape
            `(layers,)`.
        nonfinite_batches: how many of the batches gave a gradient that was not finite.
        batches: how many there were.
        saturation: share in [0, 1] of saturated pre-activations or dead units; NaN if unknown.
    """

    layer_names: tuple[str, ...]
    gradient_rms: Array
    nonfinite_batches: int
    batches: int
    saturation: float = math.nan

    def metrics(self) -> dict[str, float]:
        """The numbers by their names in MLflow, `initial_health/...`; what is not known is left out."""
        values = {
            "vanishing_index": indices.vanishing_index(self.gradient_rms),
            "collapse": indices.collapse(self.gradient_rms),
            "uniformity": indices.uniformity(self.gradient_rms),
            "saturation": self.saturation,
        }
        share = self.nonfinite_batches / self.batches
        score = indices.health_score(**values, stability=math.nan, nonfinite_share=share)
        known = {name: value for name, value in {"score": score, **values}.items() if math.isfinite(value)}
        return {f"initial_health/{name}": value for name, value in known.items()} | {
            "initial_health/nonfinite_batches": float(self.nonfinite_batches)
        }


def probe(
    model: keras.Model,
    telemetry: GradientTelemetry,
    *,
    step: Callable[[int], None],
    saturation: SaturationProbe | None = None,
    batches: int = PROBE_BATCHES,
) -> InitialHealth:
    """Measures with the model's own training step, and leaves no trace of it.

    Each batch is one step from the initial weights: whatever the step changes, the weights, the optimizer,
    the moving statistics of normalisations, the generators of dropout and the metrics, is put back. So
    nothing is compiled for the probe alone where training uses the same step.

    Args:
        model: compiled and built, with its optimizer's variables.
        telemetry: attached to it.
        step: takes one training step on the batch of the given number, from 0.
        saturation: looks at the activations, or None.
        batches: how many, at least 1.
    """
    variables = _unique([*model.variables, *model.optimizer.variables])
    kept = [np.array(ops.convert_to_numpy(variable)) for variable in variables]
    read = []
    for index in range(batches):
        step(index)
        read.append(telemetry.read())
        for variable, value in zip(variables, kept, strict=True):
            variable.assign(value)
    rms = np.array([one.mean_rms for one in read], dtype=np.float32)
    is_finite = np.isfinite(rms).all(axis=1)
    mean = rms[is_finite].mean(axis=0) if is_finite.any() else np.full(rms.shape[1], np.nan, dtype=np.float32)
    return InitialHealth(
        telemetry.layer_names,
        mean,
        nonfinite_batches=sum(one.nonfinite_steps > 0 for one in read),
        batches=batches,
        saturation=saturation.mean() if saturation else math.nan,
    )


def _unique(variables: list[Any]) -> list[Any]:
    seen: Mapping[int, Any] = {id(variable): variable for variable in variables}
    return list(seen.values())
