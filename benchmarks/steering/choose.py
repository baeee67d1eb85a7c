"""What the tuning half of the reference table says: limits of the probe, the rule, the race, and the contest.

`python -m benchmarks.steering.choose` tries grids on the architectures that do not report, and writes
`choice.json`: limits of the probe and the rule that save most steps while nothing of the best third is ended;
races, and contests among candidates, by their steps to the target in replay. `benchmarks.steering.replay`
judges what was chosen on the other half.
"""

import argparse
import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import optuna

from arnn_search.health.race import StepRace
from arnn_search.health.rule import HealthRule, ProbeLimits, StepWindow
from arnn_search.studies.draft import Contest
from benchmarks.measurement import describe_machine
from benchmarks.steering.policies import (
    CHANCE_LOSS,
    PEERS,
    STEPS_PER_EPOCH,
    Policy,
    Steering,
    initial_metrics,
    make_policy,
    windows_of,
)
from benchmarks.steering.replay import PART, SHARE_OF_BEST, part_of, threshold_of_best
from benchmarks.steering.table_file import TABLE, Row, load

BEST = 1 / 3
"""Nothing among this share of the tuning half may be ended: more than the tenth that it is judged by."""
MISTAKES = 0.005
"""Of what a race ends, at most this share may be among the best tenth: half of what it is judged by."""


def main() -> None:
    """Tries, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--table", type=Path, default=TABLE)
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    by_space: dict[str, list[Row]] = {}
    for row in load(arguments.table):
        if not row.reports:
            by_space.setdefault(row.space, []).append(row)
    spaces = list(by_space.values())
    probe = _best_by_saving(spaces, _probe_limits(), _vetoed)
    rule = _best_by_saving(spaces, _rules(), _stopped)
    beside = ProbeLimits(**probe["limits"]), HealthRule(**rule["limits"])
    report: dict[str, Any] = {
        "benchmark": "choice",
        "settings": {"seeds": arguments.seeds, "best": BEST},
        "machine": describe_machine(),
        "architectures": {space: len(rows) for space, rows in by_space.items()},
        "probe": probe,
        "rule": rule,
        "race": _by_replay(
            spaces,
            _races(),
            range(arguments.seeds),
            lambda race: make_policy(sampler="tpe", pruner="none", steering=Steering(*beside, race)),
            at_most=MISTAKES,
        ),
        "contest": _by_replay(
            spaces,
            _contests(),
            range(arguments.seeds),
            lambda contest: make_policy(sampler="random", pruner="none", contest=contest),
        ),
        "peers": {name: _replayed(spaces, policy, range(arguments.seeds)) for name, policy in PEERS.items()},
    }
    path = TABLE.with_name("choice.json")
    path.write_text(json.dumps(report, indent=1) + "\n")
    for name in ("probe", "rule"):
        print(name, report[name])
    for name in ("race", "contest"):
        print(name)
        for one in report[name][:8]:
            print("  ", one)
    for name, one in report["peers"].items():
        print(name, one)


def _probe_limits() -> Iterator[ProbeLimits]:
    for vanishing, exploding, collapse in product((2, 2.5, 3, 4), repeat=3):
        yield ProbeLimits(-vanishing, exploding, -collapse)


def _rules() -> Iterator[HealthRule]:
    for size, patience, first, limit, margin in product(
        (4, 8), (2, 3), (16, 24), (1, 1.5, 2, 3), (0.0, 0.01, 0.02, 0.05)
    ):
        yield HealthRule(
            window_steps=size,
            patience=patience,
            first_step=first,
            min_vanishing_index=-float(limit),
            max_vanishing_index=float(limit),
            chance_margin=margin,
        )


@dataclass(frozen=True)
class _Known(StepWindow):
    """A window whose V is computed once, since hundreds of rules ask for it."""

    known_index: float = 0.0

    @classmethod
    def of(cls, window: StepWindow) -> "_Known":
        return cls(**vars(window), known_index=window.vanishing_index)

    @property
    def vanishing_index(self) -> float:
        return self.known_index


def _vetoed(limits: ProbeLimits, row: Row) -> int | None:
    exceeded = any(value > 0 for value in limits.constraints(initial_metrics(row)).values())
    return 0 if exceeded else None


_WINDOWS: dict[tuple[int, int], list[StepWindow]] = {}


def _stopped(rule: HealthRule, row: Row) -> int | None:
    key = (row.number, rule.window_steps)
    if key not in _WINDOWS:
        _WINDOWS[key] = [_Known.of(one) for one in windows_of(row, window_steps=rule.window_steps)]
    windows = _WINDOWS[key]
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


def _races() -> Iterator[StepRace]:
    for first, share, count, factor in product((16, 32), (1 / 3, 0.4, 0.5), (1, 2, 3), (0.8, 0.65, 0.5)):
        if count > 1 or factor == 0.8:  # of one rung it says nothing
            yield StepRace(
                race_first_rung=first, race_share=share, race_rungs=count, race_share_factor=factor
            )


def _contests() -> Iterator[Contest]:
    for candidates, steps in product((2, 4, 6, 8, 12), (8, 12, 16, 24, 32)):
        yield Contest(candidates, steps)


def _by_replay(
    spaces: Sequence[Sequence[Row]],
    candidates: Iterable[Any],
    seeds: range,
    make: Callable[[Any], Policy],
    *,
    at_most: float = 1.0,
) -> list[dict[str, Any]]:
    """All candidates, the one with the fewest steps first: the geometric mean over spaces and seeds.

    Those that end more of the best tenth than `at_most` come last.

    Each seed searches another part of the architectures, so that the choice does not hang on the one that
    happens to be the best of all.
    """
    tried = [asdict(candidate) | _replayed(spaces, make(candidate), seeds) for candidate in candidates]
    return sorted(tried, key=lambda one: (one["share_of_the_best_among_the_ended"] > at_most, one["mean"]))


def _replayed(spaces: Sequence[Sequence[Row]], policy: Policy, seeds: range) -> dict[str, Any]:
    medians: list[float] = []
    logs: list[float] = []
    ended, best = 0, 0
    for rows in spaces:
        steps = []
        for seed in seeds:
            part = part_of(rows, PART, seed)
            found = policy(part, SHARE_OF_BEST * max(row.best for row in part), seed)
            # What never finds it is taken to train everything.
            everything = sum(len(row.loss) for row in part)
            steps.append(everything if found.steps_to_target is None else found.steps_to_target)
            threshold = threshold_of_best(part)
            ended += len(found.ended_early)
            best += sum(row.best >= threshold for _, row in found.ended_early)
        medians.append(float(np.median(steps)))
        logs.append(float(np.log(steps).mean()))
    return {
        "medians": medians,
        "mean": round(math.exp(float(np.mean(logs)))),
        "share_of_the_best_among_the_ended": round(best / max(ended, 1), 4),
    }


if __name__ == "__main__":
    main()
