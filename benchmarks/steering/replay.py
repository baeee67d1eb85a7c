"""Policies of search compared by replay on the reporting half of the reference table.

`python -m benchmarks.steering.replay` searches each space's reporting architectures with every policy and
seed: how many training steps until a validation accuracy of 99 % of the best is seen, and what was ended
early that would have come out among the best tenth. A sampler's proposal becomes the nearest architecture
that is not yet used. Twice: all of them in every seed, where the result hangs on the one or two that reach
the target; and in each seed another part of them, with a target of its own. Writes `replay.json` and
`replay.svg`, which shows the parts.
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
PART = 0.7
"""Of the architectures, another one for each seed."""


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
        spaces[space] = {
            "architectures": len(own),
            "all": replay_all(own, PEERS | OURS, seeds=range(arguments.seeds)),
            "parts": replay_all(own, PEERS | OURS, seeds=range(arguments.seeds), part=PART),
        }
        for way in ("all", "parts"):
            for name, result in spaces[space][way].items():
                print(f"  {way}, {name}: {result['steps']} {result['of_best_peer']} {result['mistakes']}")
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


def replay_all(
    rows: Sequence[Row], policies: Mapping[str, Policy], *, seeds: range, part: float = 1.0
) -> dict[str, Any]:
    """Every policy's steps and mistakes on the architectures of one space.

    Args:
        rows: the architectures.
        policies: by name, the peers among them.
        seeds: of the searches.
        part: the share of the architectures that each seed searches.
    """
    searched = [part_of(rows, part, seed) for seed in seeds]
    described = {}
    for name, policy in policies.items():
        results = [
            policy(own, SHARE_OF_BEST * max(row.best for row in own), seed)
            for own, seed in zip(searched, seeds, strict=True)
        ]
        described[name] = _described(results, [threshold_of_best(own) for own in searched])
    best_peer = min(described[name]["steps"]["median"] or math.inf for name in PEERS)
    for one in described.values():
        median = one["steps"]["median"]
        one["of_best_peer"] = None if median is None else round(median / best_peer, 3)
    return described


def part_of(rows: Sequence[Row], part: float, seed: int) -> list[Row]:
    """A share of the architectures, drawn from the seed."""
    chosen = np.random.default_rng(seed).choice(len(rows), round(part * len(rows)), replace=False)
    return [rows[index] for index in sorted(chosen)]


def threshold_of_best(rows: Sequence[Row]) -> float:
    """The validation accuracy from which an architecture is among the best tenth."""
    return float(np.quantile([row.best for row in rows], 1 - TOP))


def _described(results: Sequence[Replayed], thresholds: Sequence[float]) -> dict[str, Any]:
    steps = [math.inf if one.steps_to_target is None else one.steps_to_target for one in results]
    lower, median, upper = np.percentile(steps, (25, 50, 75), method="nearest")
    ended = [
        (by, row.best >= threshold)
        for one, threshold in zip(results, thresholds, strict=True)
        for by, row in one.ended_early
    ]
    return {
        "steps": {
            name: float(value) if math.isfinite(value) else None  # what was never reached
            for name, value in (("median", median), ("lower", lower), ("upper", upper))
        },
        "never_reached": sum(map(math.isinf, steps)),
        "each": [None if math.isinf(value) else value for value in steps],
        "mistakes": {
            by: {
                "ended": sum(how == by for how, _ in ended),
                "of_the_best": sum(how == by and is_best for how, is_best in ended),
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
        policies = found["parts"]
        names = list(policies)[::-1]
        for place, name in enumerate(names):
            each = [value for value in policies[name]["each"] if value is not None]
            if not each:
                continue
            color = "tab:blue" if name in PEERS else "tab:orange"
            steps = policies[name]["steps"]
            panel.plot(each, [place] * len(each), "|", color=color, alpha=0.4)
            upper = steps["upper"] or max(each)
            lower = steps["lower"] or max(each)
            panel.plot([lower, upper], [place, place], color=color, linewidth=4, alpha=0.6)
            if steps["median"]:
                panel.plot([steps["median"]], [place], "o", color=color)
        panel.set_yticks(range(len(names)), names)
        panel.set_xscale("log")
        panel.set_xlabel(f"training steps to {SHARE_OF_BEST:.0%} of the best")
        panel.set_title(f"{space}, {found['architectures']} architectures")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
