"""What tells early how good an architecture will be: rank correlations with its best validation accuracy.

`python -m benchmarks.steering.correlations` takes all architectures of the reference table, space by space,
and writes `correlations.json` and `correlations.svg`: Spearman's rank correlation of each zero-cost score,
each health index at initialisation, and what the first steps show, each with the 95 % interval of 1,000
bootstrap samples. The number of parameters is what a score must beat.
"""

import argparse
import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from arnn_search.health import collapse, uniformity, vanishing_index
from benchmarks.measurement import describe_machine
from benchmarks.steering.table_file import TABLE, Row, load

_SAMPLES = 1000


def main() -> None:
    """Computes, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--table", type=Path, default=TABLE)
    arguments = parser.parse_args()
    rows = load(arguments.table)
    found = {}
    for space in dict.fromkeys(row.space for row in rows):
        own = [row for row in rows if row.space == space]
        found[space] = {"architectures": len(own)} | {
            name: _correlation(own, predict) for name, predict in _predictors().items()
        }
        print(space, len(own))
        for name, value in found[space].items():
            print(f"  {name}: {value}")
    report = {"benchmark": "correlations", "machine": describe_machine(), "spaces": found}
    path = TABLE.with_name("correlations.json")
    path.write_text(json.dumps(report, indent=1) + "\n")
    draw(found, TABLE.with_name("correlations.svg"))


def _predictors() -> dict[str, Callable[[Row], float]]:
    """Each to be the larger, the better the architecture is thought to be."""
    scores = {
        name: (lambda row, name=name: row.scores.get(name, math.nan))
        for name in ("grad_norm", "snip", "synflow", "naswot", "zico")
    }
    initial: dict[str, Callable[[Row], float]] = {
        "initial |V|, negative": lambda row: -abs(vanishing_index(row.initial_rms)),
        "initial V": lambda row: vanishing_index(row.initial_rms),
        "initial collapse": lambda row: collapse(row.initial_rms),
        "initial uniformity, negative": lambda row: -uniformity(row.initial_rms),
        "initial saturation, negative": lambda row: -float(row.saturation[0, 1]),
    }
    early: dict[str, Callable[[Row], float]] = {}
    for step in (8, 16, 32):
        early[f"loss of the steps to {step}, negative"] = lambda row, step=step: (
            -_finite(float(row.loss[step - 8 : step].mean()))
        )
        early[f"|V| of the steps to {step}, negative"] = lambda row, step=step: (
            -abs(vanishing_index(row.gradient_rms[step - 8 : step].mean(axis=0)))
        )
        early[f"largest update of the steps to {step}"] = lambda row, step=step: float(
            np.log10(row.update[step - 8 : step, 1].mean() + 1e-12)
        )
    return {
        "number of parameters": lambda row: float(row.num_parameters),
        **scores,
        **initial,
        **early,
        "validation accuracy of epoch 1": lambda row: float(row.val_accuracy[0]),
        "validation loss of epoch 1, negative": lambda row: -_finite(float(row.val_loss[0])),
    }


def _finite(value: float) -> float:
    return value if math.isfinite(value) else 1e9


def _correlation(rows: Sequence[Row], predict: Callable[[Row], float]) -> dict[str, Any]:
    pairs = [(predict(row), row.best) for row in rows]
    known = np.array([pair for pair in pairs if math.isfinite(pair[0])])
    if len(known) < 5 or np.ptp(known[:, 0]) == 0:
        return {"rank_correlation": None, "known": len(known)}
    generator = np.random.default_rng(0)
    drawn = [_spearman(known[generator.integers(len(known), size=len(known))]) for _ in range(_SAMPLES)]
    low, high = np.nanpercentile(drawn, (2.5, 97.5))
    return {
        "rank_correlation": round(_spearman(known), 3),
        "interval": [round(float(low), 3), round(float(high), 3)],
        "known": len(known),
    }


def _spearman(pairs: np.ndarray) -> float:
    if np.ptp(pairs[:, 0]) == 0 or np.ptp(pairs[:, 1]) == 0:
        return math.nan
    return float(spearmanr(pairs[:, 0], pairs[:, 1]).statistic)


def draw(spaces: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Every predictor with its interval, a panel for each space; the line is the number of parameters."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "correlations"
    from matplotlib import pyplot

    names = list(_predictors())[::-1]
    figure, panels = pyplot.subplots(
        1, len(spaces), figsize=(3 + 4 * len(spaces), 5.5), sharey=True, squeeze=False
    )
    for panel, (space, found) in zip(panels[0], spaces.items(), strict=True):
        for place, name in enumerate(names):
            if found[name]["rank_correlation"] is not None:
                panel.plot(found[name]["interval"], [place, place], color="tab:blue", linewidth=3, alpha=0.5)
                panel.plot(found[name]["rank_correlation"], place, "o", color="tab:blue")
        panel.axvline(found["number of parameters"]["rank_correlation"], color="gray", linestyle="--")
        panel.axvline(0, color="black", linewidth=0.8)
        panel.set_yticks(range(len(names)), names)
        panel.set_title(f"{space}, {found['architectures']} architectures", fontsize=10)
        panel.set_xlabel("rank correlation with the best validation accuracy", fontsize=9)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
