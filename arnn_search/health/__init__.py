"""Gradient health: what the gradients of every layer say about a training that is under way.

`GradientTelemetry` measures inside the compiled training step, `SaturationProbe` looks at activations once an
epoch, `indices` turns both into a few numbers, and `HealthRecord` keeps them for a whole trial.
"""

from arnn_search.health.indices import collapse, health_score, stability, uniformity, vanishing_index
from arnn_search.health.record import HealthRecord
from arnn_search.health.saturation import SaturationProbe
from arnn_search.health.telemetry import EpochGradients, GradientTelemetry

__all__ = [
    "EpochGradients",
    "GradientTelemetry",
    "HealthRecord",
    "SaturationProbe",
    "collapse",
    "health_score",
    "stability",
    "uniformity",
    "vanishing_index",
]
