"""What came of an experiment, network by network and seed by seed."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from arnn_search.intervals import mean_interval

MEASURES = {
    "best_score": "best score",
    "val_loss": "validation loss",
    "early_loss": "early validation loss",
    "test_loss": "test loss",
    "seconds": "seconds",
    "vanishing": "|V|",
    "uniformity": "U",
    "stability": "S",
}
"""Measures of one training, and what they are called in a table.

`|V|` and U are means over the epochs, S is over all of them, in decades (see `arnn_search.health.indices`);
`val_loss` is that of the best epoch, `early_loss` that after the first tenth of the epochs. Seconds are those
of the training, the compilation of the network included.
"""


@dataclass(frozen=True)
class Run:
    """One network from one seed.

    Attributes:
        network: the network's name.
        seed: the pair's number, from 0.
        epochs: what was reported, by epoch from 1.
        seconds: of training.
        gradient_rms: g of every epoch and layer, shape `(epochs, layers)`; empty without telemetry.
        layers: the layers' names, from input to output.
        score: the name of the score, and whether a larger one is better.
        test_loss: on the test part; NaN if that was not looked at.
    """

    network: str
    seed: int
    epochs: Mapping[int, Mapping[str, float]]
    seconds: float
    gradient_rms: NDArray[np.float32] = field(repr=False)
    layers: tuple[str, ...]
    score: tuple[str, bool]
    test_loss: float = math.nan

    def curve(self, metric: str) -> list[float]:
        """A metric, epoch by epoch; NaN where it was not reported."""
        return [self.epochs[epoch].get(metric, math.nan) for epoch in sorted(self.epochs)]

    def measure(self, name: str) -> float:
        """One of `MEASURES`."""
        metric, is_larger_better = self.score
        scores, losses = self.curve(metric), self.curve("val_loss")
        match name:
            case "best_score":
                return max(scores) if is_larger_better else min(scores)
            case "val_loss":
                return min(losses)
            case "vanishing":
                return statistics.fmean(map(abs, self.curve("health/vanishing_index")))
            case "uniformity":
                return statistics.fmean(self.curve("health/uniformity"))
            case "stability":
                return self.curve("health/stability")[-1]
            case "seconds":
                return self.seconds
            case "test_loss":
                return self.test_loss
            case "early_loss":
                return losses[max(0, len(losses) // 10 - 1)]
        raise KeyError(name)


class Outcomes:
    """All runs of an experiment of which every network has ended.

    Args:
        runs: any runs; seeds that lack a network are left out, so that all comparisons are of pairs.
        labels: the networks' names and labels, in order.
    """

    def __init__(self, runs: Sequence[Run], labels: Mapping[str, str]) -> None:
        self._labels = dict(labels)
        by_pair = {(run.network, run.seed): run for run in runs}
        seeds = sorted({run.seed for run in runs})
        self.seeds = tuple(seed for seed in seeds if all((name, seed) in by_pair for name in labels))
        self._runs = {name: [by_pair[name, seed] for seed in self.seeds] for name in labels}

    @property
    def networks(self) -> tuple[str, ...]:
        """Their names, in order."""
        return tuple(self._labels)

    def label(self, network: str) -> str:
        """A network's name for people."""
        return self._labels[network]

    def runs(self, network: str) -> list[Run]:
        """Its runs, by seed."""
        return self._runs[network]

    def values(self, network: str, measure: str) -> list[float]:
        """One of the measures of a network, seed by seed.

        `epochs_to_reach` is in how many epochs it came to the best validation loss that the first network
        reached from the same seed; one more than all epochs if it never did.
        """
        if measure == "epochs_to_reach":
            goals = [run.measure("val_loss") for run in self._runs[self.networks[0]]]
            return [
                _first_at_most(run.curve("val_loss"), goal)
                for run, goal in zip(self._runs[network], goals, strict=True)
            ]
        return [run.measure(measure) for run in self._runs[network]]

    def curve(self, network: str, metric: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """A metric by epoch: the mean over the seeds, and half the width of its 95 % interval (0 for one)."""
        curves = np.array([run.curve(metric) for run in self._runs[network]], dtype=float)
        half = np.zeros(curves.shape[1])
        for epoch, column in enumerate(curves.T):
            interval = mean_interval(column.tolist())
            if interval is not None:
                half[epoch] = (interval[1] - interval[0]) / 2
        return curves.mean(axis=0), half

    def gradients(self, network: str) -> tuple[NDArray[np.float64], tuple[str, ...]]:
        """log10 g, mean over the seeds, shape `(layers, epochs)`, and the layers' names.

        A layer without any finite gradient in an epoch is NaN there.
        """
        runs = self._runs[network]
        with np.errstate(divide="ignore"):
            logarithms = np.log10(np.array([run.gradient_rms for run in runs], dtype=np.float64))
        logarithms[~np.isfinite(logarithms)] = np.nan
        return logarithms.mean(axis=0).T, runs[0].layers


def _first_at_most(values: Sequence[float], goal: float) -> float:
    return next((float(epoch) for epoch, value in enumerate(values, 1) if value <= goal), len(values) + 1.0)
