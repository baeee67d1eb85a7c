"""Policies of search compared by replay on the reporting half of the reference table.

`python -m benchmarks.steering.replay` searches each space's reporting architectures with every policy and
seed: how many training steps until a validation accuracy of 99 % of the table's best is seen, and what was
ended early that would have come out among the best tenth. Each architecture is trained once; a sampler's
proposal becomes the nearest one that is not yet used. Writes `replay.json` and `replay.svg`.
"""

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import optuna

from benchmarks.measurement import describe_machine
from benchmarks.steering.ours import OURS
from benchmarks.steering.policies import PEERS, Policy, Replayed
from benchmarks.steering.table_file import TABLE, Row, about, load

SHARE_OF_BEST = 0.99
TOP = 0.1


def main() -> None:
    """Replays, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--table", type=Path, default=TABLE)
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    rows = [row for row in load(arguments.table) if row.reports]
    spaces = {}
    for space in dict.fromkeys(row.space for row in rows):
        own = [row for row in rows if row.space == space]
        print(f"{space}: {len(own)} architectures, best {max(row.best for row in own):.3f}")
        spaces[space] = replay_all(own, PEERS | OURS, seeds=range(arguments.seeds))
        for name, result in spaces[space]["policies"].items():
            print(f"  {name}: {result['steps']}, mistakes {result['mistakes']}")
    report = {
        "benchmark": "replay",
        "settings": {"seeds": arguments.seeds, "share_of_best": SHARE_OF_BEST, "top": TOP},
        "table": about(arguments.table),
        "machine": describe_machine(),
        "spaces": spaces,
    }
    path = TABLE.with_name("replay.json")
    path.write_text(json.dumps(report, indent=1) + "\n")
    draw(spaces, TABLE.with_name("replay.svg"))
    print(path)


def replay_all(rows: Sequence[Row], policies: Mapping[str, Policy], *, seeds: range) -> dict[str, Any]:
    """Every policy's steps and mistakes on the architectures of one space."""
    target = SHARE_OF_BEST * max(row.best for row in rows)
    threshold = float(np.quantile([row.best for row in rows], 1 - TOP))
    results = {name: [policy(rows, target, seed) for seed in seeds] for name, policy in policies.items()}
    described = {name: _described(one, threshold) for name, one in results.items()}
    best_peer = min(described[name]["steps"]["median"] for name in PEERS)
    for one in described.values():
        one["of_best_peer"] = round(one["steps"]["median"] / best_peer, 3)
    return {"architectures": len(rows), "target": round(target, 4), "policies": described}


def _described(results: Sequence[Replayed], threshold: float) -> dict[str, Any]:
    steps = [math.inf if one.steps_to_target is None else one.steps_to_target for one in results]
    lower, median, upper = np.percentile(steps, (25, 50, 75), method="nearest")
    ended = [(by, row) for one in results for by, row in one.ended_early]
    return {
        "steps": {"median": float(median), "lower": float(lower), "upper": float(upper)},
        "never_reached": sum(map(math.isinf, steps)),
        "each": [None if math.isinf(value) else value for value in steps],
        "mistakes": {
            by: {
                "ended": sum(how == by for how, _ in ended),
                "of_the_best": sum(how == by and row.best >= threshold for how, row in ended),
            }
            for by in sorted({how for how, _ in ended})
        },
    }


def draw(spaces: Mapping[str, Any], path: Path) -> None:
    """Median and quartiles of every policy, a panel for each space."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "replay"
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(spaces), figsize=(5.5 * len(spaces), 4.2), squeeze=False)
    for panel, (space, found) in zip(panels[0], spaces.items(), strict=True):
        policies = found["policies"]
        names = list(policies)[::-1]
        for place, name in enumerate(names):
            each = [value for value in policies[name]["each"] if value is not None]
            if not each:
                continue
            color = "tab:blue" if name in PEERS else "tab:orange"
            steps = policies[name]["steps"]
            panel.plot(each, [place] * len(each), "|", color=color, alpha=0.4)
            upper = min(steps["upper"], max(each))
            panel.plot([steps["lower"], upper], [place, place], color=color, linewidth=4, alpha=0.6)
            panel.plot([min(steps["median"], max(each))], [place], "o", color=color)
        panel.set_yticks(range(len(names)), names)
        panel.set_xscale("log")
        panel.set_xlabel(f"training steps to {SHARE_OF_BEST:.0%} of the best")
        panel.set_title(f"{space}, {found['architectures']} architectures")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
