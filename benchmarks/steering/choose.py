"""What the tuning half of the reference table says: limits of the probe, the rule and the race.

`python -m benchmarks.steering.choose` tries grids of limits on the architectures that do not report, and
writes `choice.json`: for the probe and the rule those that save most steps while nothing of the best third is
ended; for the race the one with the fewest steps to the target in replay. The winners are what
`arnn_search.health` has for defaults; `benchmarks.steering.replay` judges them on the other half.
"""

import argparse
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import optuna

from arnn_search.health.race import StepRace
from arnn_search.health.rule import HealthRule, ProbeLimits
from benchmarks.measurement import describe_machine
from benchmarks.steering.policies import (
    CHANCE_LOSS,
    STEPS_PER_EPOCH,
    Steering,
    initial_metrics,
    make_policy,
    windows_of,
)
from benchmarks.steering.table_file import TABLE, Row, load

BEST = 1 / 3
"""Nothing among this share of the tuning half may be ended: more than the tenth that it is judged by."""


def main() -> None:
    """Tries, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--table", type=Path, default=TABLE)
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    by_space: dict[str, list[Row]] = {}
    for row in load(arguments.table):
        if not row.reports:
            by_space.setdefault(row.space, []).append(row)
    report = {
        "benchmark": "choice",
        "settings": {"seeds": arguments.seeds, "best": BEST},
        "machine": describe_machine(),
        "architectures": {space: len(rows) for space, rows in by_space.items()},
        "probe": _best_by_saving(list(by_space.values()), _probe_limits(), _vetoed),
        "rule": _best_by_saving(list(by_space.values()), _rules(), _stopped),
        "race": _best_race(list(by_space.values()), range(arguments.seeds)),
    }
    path = TABLE.with_name("choice.json")
    path.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps({key: report[key] for key in ("probe", "rule", "race")}, indent=1))


def _probe_limits() -> Iterator[ProbeLimits]:
    for vanishing, exploding, collapse in product((1, 1.5, 2, 2.5, 3, 4), repeat=3):
        yield ProbeLimits(-vanishing, exploding, -collapse)


def _rules() -> Iterator[HealthRule]:
    for size, patience, first, limit, margin in product(
        (4, 8), (1, 2, 3), (8, 16, 24), (0.5, 1, 1.5, 2, 3), (0.0, 0.01, 0.02, 0.05)
    ):
        yield HealthRule(
            window_steps=size,
            patience=patience,
            first_step=first,
            min_vanishing_index=-float(limit),
            max_vanishing_index=float(limit),
            chance_margin=margin,
        )


def _vetoed(limits: ProbeLimits, row: Row) -> int | None:
    exceeded = any(value > 0 for value in limits.constraints(initial_metrics(row)).values())
    return 0 if exceeded else None


def _stopped(rule: HealthRule, row: Row) -> int | None:
    windows = windows_of(row, window_steps=rule.window_steps)
    for index in range(1, len(windows) + 1):
        if rule.reason_to_stop(windows[:index], chance_loss=CHANCE_LOSS):
            return windows[index - 1].done
    return None


def _best_by_saving(spaces: Sequence[Sequence[Row]], candidates: Any, ended: Any) -> dict[str, Any]:
    """The candidate that saves most steps of a first epoch, among those that end nothing good."""
    best: dict[str, Any] = {"saved": -1.0}
    for candidate in candidates:
        saved, stopped, highest, good = 0.0, 0, 0.0, 0
        for rows in spaces:
            threshold = float(np.quantile([row.best for row in rows], 1 - BEST))
            for row in rows:
                step = ended(candidate, row)
                if step is not None:
                    saved += (STEPS_PER_EPOCH - step) / STEPS_PER_EPOCH
                    stopped += 1
                    good += row.best >= threshold
                    highest = max(highest, row.best)
        if not good and saved > best["saved"]:
            total = sum(map(len, spaces))
            best = {
                "limits": asdict(candidate),
                "saved": saved,
                "stopped": round(stopped / total, 3),
                "highest_stopped": round(highest, 3),
            }
    return best


def _best_race(spaces: Sequence[Sequence[Row]], seeds: range) -> list[dict[str, Any]]:
    """Every race that was tried, by the mean over spaces of the logarithm of its median steps."""
    tried = []
    for first, share, count in product((4, 8, 16), (0.25, 1 / 3, 0.5), (1, 2, 3)):
        race = StepRace(race_first_rung=first, race_share=share, race_rungs=count)
        if race.rungs[-1] > STEPS_PER_EPOCH:
            continue
        policy = make_policy(sampler="tpe", pruner="asha", steering=Steering(race=race))
        medians = []
        for rows in spaces:
            target = 0.99 * max(row.best for row in rows)
            steps = [policy(rows, target, seed).steps_to_target for seed in seeds]
            medians.append(float(np.median([math.inf if one is None else one for one in steps])))
        mean = float(np.exp(np.mean(np.log(medians)))) if all(map(math.isfinite, medians)) else None
        tried.append(
            {
                "race": asdict(race),
                "medians": [one if math.isfinite(one) else None for one in medians],
                "mean": mean,
            }
        )
    return sorted(tried, key=lambda one: math.inf if one["mean"] is None else one["mean"])


if __name__ == "__main__":
    main()
