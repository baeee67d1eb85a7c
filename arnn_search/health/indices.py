"""The gradient-health indices, as pure functions of g[l, e].

g[l, e] is the mean over the steps of epoch e of the root mean square of the gradient of layer l's kernel. The
root mean square does not grow with the size of a kernel, so layers can be compared.

Reference: the layer-by-epoch gradient maps of "Auto-Rotating Neural Networks" (Saromo-Mori,
Valdenegro-Toro), of which these indices are summaries.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

GRADIENT_FLOOR = 1e-20
"""Root mean squares below this count as this: their squares underflow in float32."""


def vanishing_index(gradient_rms: ArrayLike) -> float:
    """V = log10(g[first] / g[last]): 0 is balanced, below 0 vanishes towards the input, above 0 explodes.

    Args:
        gradient_rms: g of one epoch, from the first layer to the last; shape `(layers,)`, not negative.

    Returns:
        V in decades; NaN with fewer than two finite values at the two ends.
    """
    logs = _log10(gradient_rms)
    return float(logs[0] - logs[-1]) if logs.size >= 2 else math.nan


def collapse(gradient_rms: ArrayLike) -> float:
    """C = log10(min over l of g / max over l of g), at most 0: how far apart the extremes are.

    Args:
        gradient_rms: g of one epoch; shape `(layers,)`, not negative.

    Returns:
        C in decades, NaN with fewer than two layers or a layer whose g is not finite.
    """
    logs = _log10(gradient_rms)
    return float(logs.min() - logs.max()) if logs.size >= 2 else math.nan


def uniformity(gradient_rms: ArrayLike) -> float:
    """U = standard deviation over l of log10 g: 0 when every layer receives the same gradient.

    Args:
        gradient_rms: g of one epoch; shape `(layers,)`, not negative.

    Returns:
        U in decades, at least 0; NaN with fewer than two layers.
    """
    logs = _log10(gradient_rms)
    return float(logs.std()) if logs.size >= 2 else math.nan


def stability(gradient_rms: ArrayLike) -> float:
    """S = mean over l of the standard deviation over e of log10 g: 0 when nothing moves between epochs.

    Args:
        gradient_rms: g of the epochs so far; shape `(epochs, layers)`, not negative.

    Returns:
        S in decades, at least 0; NaN with fewer than two epochs.
    """
    logs = _log10(gradient_rms)
    return float(logs.std(axis=0).mean()) if logs.ndim == 2 and len(logs) >= 2 and logs.size else math.nan


def health_score(
    *,
    vanishing_index: float,
    collapse: float,
    uniformity: float,
    stability: float,
    saturation: float,
    nonfinite_share: float = 0.0,
) -> float:
    """One number in [0, 1] from the indices; 1 is healthy, and it falls with each of them.

    Every index x gives a factor 2^(-|x| / h), which halves with each h: h is 3 decades for V, 4 for C, 1.5
    for U, 1 for S, and 0.5 for the saturated share. The score is the geometric mean of the factors whose
    index is known (NaN is left out), times the share of steps whose gradients were all finite.

    Args:
        vanishing_index: V in decades.
        collapse: C in decades.
        uniformity: U in decades.
        stability: S in decades; NaN in the first epoch.
        saturation: share in [0, 1] of saturated pre-activations or dead units; NaN if unknown.
        nonfinite_share: share in [0, 1] of the steps in which some gradient was not finite.

    Returns:
        The score; 0 if every step had a gradient that was not finite, NaN if nothing is known at all.
    """
    if nonfinite_share >= 1:
        return 0.0
    halving = (
        (vanishing_index, 3.0),
        (collapse, 4.0),
        (uniformity, 1.5),
        (stability, 1.0),
        (saturation, 0.5),
    )
    exponents = [abs(value) / half for value, half in halving if not math.isnan(value)]
    if not exponents:
        return math.nan
    return float(2.0 ** -(sum(exponents) / len(exponents)) * (1.0 - nonfinite_share))


def _log10(gradient_rms: ArrayLike) -> NDArray[np.float64]:
    """log10 with the floor applied; NaN stays NaN, so an index of something unknown is unknown."""
    values = np.asarray(gradient_rms, dtype=np.float64)
    if (values < 0).any():
        raise ValueError(f"A root mean square cannot be negative. Received: {values.min()}.")
    return np.asarray(np.log10(np.maximum(values, GRADIENT_FLOOR)))
