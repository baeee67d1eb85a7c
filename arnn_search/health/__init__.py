"""Gradient health: what the gradients of every layer say about a training that is under way.

`GradientTelemetry` measures inside the compiled training step, `SaturationProbe` looks at activations once an
epoch, `indices` turns both into a few numbers, and `HealthRecord` keeps them for a whole trial. `probe`
measures before any training, and `rule` says from the first steps whether to go on; its limits are plain
data, which a process without Keras can hold.
"""

from typing import TYPE_CHECKING

from arnn_search.lazy import lazy_names

if TYPE_CHECKING:
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

_INDICES = ("collapse", "health_score", "stability", "uniformity", "vanishing_index")

__getattr__ = lazy_names(
    __name__,
    {
        "EpochGradients": "arnn_search.health.telemetry:EpochGradients",
        "GradientTelemetry": "arnn_search.health.telemetry:GradientTelemetry",
        "HealthRecord": "arnn_search.health.record:HealthRecord",
        "SaturationProbe": "arnn_search.health.saturation:SaturationProbe",
        **{name: f"arnn_search.health.indices:{name}" for name in _INDICES},
    },
)
