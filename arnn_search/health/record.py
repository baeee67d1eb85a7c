"""All health numbers of one trial, epoch by epoch, and the file they are kept in."""

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from arnn_search.health import indices
from arnn_search.health.telemetry import EpochGradients


class HealthRecord:
    """Collects the epochs of one trial.

    Args:
        layer_names: the followed kernels, from input to output.
    """

    def __init__(self, layer_names: tuple[str, ...]) -> None:
        self.layer_names = layer_names
        self._epochs: list[EpochGradients] = []
        self._saturation: list[Mapping[str, float]] = []
        self._limits: list[Mapping[str, float]] = []

    def add(
        self, gradients: EpochGradients, *, saturation: Mapping[str, float], limits: Mapping[str, float]
    ) -> dict[str, float]:
        """Adds an epoch and returns its metrics, by their names in MLflow.

        Args:
            gradients: what the telemetry read at the end of the epoch.
            saturation: saturated share by layer name; empty if unknown.
            limits: the limit L of each auto-rotating layer by layer name (its mean, if it has one per unit).

        Returns:
            `health/...` as far as it is known, `gradient_rms/<nn>_<layer>`, `limit/<nn>_<layer>`.
        """
        self._epochs.append(gradients)
        self._saturation.append(dict(saturation))
        self._limits.append(dict(limits))
        last = gradients.mean_rms
        saturated = float(np.mean(list(saturation.values()))) if saturation else math.nan
        values = {
            "vanishing_index": indices.vanishing_index(last),
            "collapse": indices.collapse(last),
            "uniformity": indices.uniformity(last),
            "stability": indices.stability(self.gradient_rms()),
            "saturation": saturated,
        }
        score = indices.health_score(
            **values, nonfinite_share=gradients.nonfinite_steps / max(gradients.steps, 1)
        )
        metrics = {f"health/{name}": value for name, value in {"score": score, **values}.items()}
        metrics = {name: value for name, value in metrics.items() if not math.isnan(value)}
        metrics["health/nonfinite_steps"] = float(gradients.nonfinite_steps)
        metrics |= _by_depth("gradient_rms", dict(zip(self.layer_names, last.tolist(), strict=True)))
        return metrics | _by_depth("limit", limits)

    @property
    def num_epochs(self) -> int:
        """How many epochs it holds."""
        return len(self._epochs)

    def gradient_rms(self) -> np.ndarray:
        """g, shape `(epochs, layers)`."""
        return np.array([epoch.mean_rms for epoch in self._epochs], dtype=np.float32).reshape(
            len(self._epochs), len(self.layer_names)
        )

    def save(self, path: Path) -> None:
        """Writes every statistic as a compressed `.npz`; see `arrays`."""
        np.savez_compressed(path, **self.arrays())  # type: ignore[arg-type]

    def arrays(self) -> dict[str, np.ndarray]:
        """Every statistic: arrays `(epochs, layers)`, and the names of the layers as text."""
        arrays: dict[str, np.ndarray] = {
            "layers": np.array(self.layer_names, dtype=np.str_),
            "gradient_rms": self.gradient_rms(),
            "gradient_rms_max": np.array([epoch.max_rms for epoch in self._epochs], dtype=np.float32),
            "steps": np.array([epoch.steps for epoch in self._epochs]),
            "nonfinite_steps": np.array([epoch.nonfinite_steps for epoch in self._epochs]),
        }
        for name, rows in (("saturation", self._saturation), ("limit", self._limits)):
            columns = list(dict.fromkeys(column for row in rows for column in row))
            arrays[f"{name}_layers"] = np.array(columns, dtype=np.str_)
            arrays[name] = np.array(
                [[row.get(column, math.nan) for column in columns] for row in rows], dtype=np.float32
            ).reshape(len(rows), len(columns))
        return arrays

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Begins with the epochs of another record of the same layers, as its `arrays`."""
        columns = ("gradient_rms", "gradient_rms_max", "steps", "nonfinite_steps")
        self._epochs = [
            EpochGradients(mean, largest, steps=int(steps), nonfinite_steps=int(nonfinite))
            for mean, largest, steps, nonfinite in zip(*(arrays[name] for name in columns), strict=True)
        ]
        self._saturation = [_without_gaps(arrays["saturation_layers"], row) for row in arrays["saturation"]]
        self._limits = [_without_gaps(arrays["limit_layers"], row) for row in arrays["limit"]]


def _without_gaps(names: np.ndarray, values: np.ndarray) -> Mapping[str, float]:
    pairs = zip(names.tolist(), values.tolist(), strict=True)
    return {name: value for name, value in pairs if not math.isnan(value)}


def _by_depth(group: str, values: Mapping[str, float]) -> dict[str, float]:
    return {
        f"{group}/{depth:02d}_{name.replace('/', '.')}": value
        for depth, (name, value) in enumerate(values.items())
    }
