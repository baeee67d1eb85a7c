"""The same searches for real: what a given number of training steps finds, by policy and seed.

`python -m benchmarks.steering.live` runs studies of `poster-cnn` as the reference table's trainings are
(pictures of 14x14, 2,048 of them, batches of 64, nine epochs), one trial at a time, until each has spent its
training steps or has seen 99 % of the table's best: the package itself, with its samplers, pruners and
KerasTuner's Hyperband. Steps of candidates count as all others, a probe as eight. Writes `live.json`: when
the target was seen and the best after each thousand steps, and `live.svg`.
"""

import argparse
import json
import math
import multiprocessing
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measurement import describe_machine, pin_threads
from benchmarks.steering.policies import PROBE_STEPS
from benchmarks.steering.reference_table import (
    BATCH_SIZE,
    EPOCHS,
    TRAINING_SAMPLES,
    VALIDATION_SAMPLES,
    halved_pictures,
)
from benchmarks.steering.replay import SHARE_OF_BEST
from benchmarks.steering.table_file import TABLE, load

SPACE = "poster-cnn"
POLICIES: dict[str, dict[str, Any]] = {
    "TPE": {"pruner": "none"},
    "TPE + probe, rule, race": {"pruner": "none", "health_pruner": "probe,rule,race"},
    "KerasTuner Hyperband": {"engine": "keras-tuner", "oracle": "hyperband", "pruner": "none"},
    "TPE + Hyperband": {"pruner": "hyperband"},
    "TPE + ASHA": {"pruner": "asha"},
    "random": {"sampler": "random", "pruner": "none"},
    "TPE, 6 candidates": {"pruner": "none", "candidates_per_trial": 6},
}
_TRIALS_AT_A_TIME = 6
_STEPS_PER_EPOCH = -(-TRAINING_SAMPLES // BATCH_SIZE)


def main() -> None:
    """Searches what is missing, and writes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=6000, help="training steps of each search, at most")
    parser.add_argument("--worker", default="0/1", help="this process's number, and how many there are")
    parser.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir()) / "steering-live")
    parser.add_argument("--merge", action="store_true", help="write the result of what is there")
    arguments = parser.parse_args()
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    if arguments.merge:
        _merge(arguments.scratch, arguments.steps)
        return
    worker, workers = map(int, arguments.worker.split("/"))
    pin_threads(1)
    searches = [(name, seed) for name in POLICIES for seed in range(arguments.seeds)]
    for index, (name, seed) in enumerate(searches):
        path = arguments.scratch / f"{_study_name(name, seed)}.json"
        if index % workers == worker and not path.exists():
            # Each in a process of its own: TensorFlow keeps something of every network.
            with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
                seen = process.submit(_search, name, seed, arguments.scratch, arguments.steps).result()
            path.write_text(json.dumps({"policy": name, "seed": seed, "seen": seen}))
            print(name, seed, len(seen), max(value for _, value in seen), flush=True)


def _study_name(policy: str, seed: int) -> str:
    return "-".join(re.findall(r"\w+", policy.lower())) + f"-{seed}"


def _target() -> float:
    return SHARE_OF_BEST * max(row.best for row in load(TABLE) if row.space == SPACE)


def _search(name: str, seed: int, scratch: Path, steps: int) -> list[tuple[int, float]]:
    """The steps spent until each epoch of a search, and its validation accuracy."""
    import tensorflow as tf

    import arnn_search

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    trials = 0
    settings = {"study": _study_name(name, seed)}
    settings |= {"directory": str(scratch / "studies"), "mlflow": False, "executor": "inline"}
    settings |= {"seed": seed, "epochs": EPOCHS, "batch_size": BATCH_SIZE, "keep_models": 1}
    settings |= {"validation": VALIDATION_SAMPLES / 60_000, "max_train_samples": TRAINING_SAMPLES}
    data, target = str(halved_pictures(scratch)), _target()
    seen: list[tuple[int, float]] = []
    while not seen or (seen[-1][0] < steps and max(value for _, value in seen) < target):
        trials += _TRIALS_AT_A_TIME
        found = arnn_search.search(
            SPACE,
            data,
            num_trials=trials,
            resume=(Path(settings["directory"]) / settings["study"]).exists(),
            **(settings | POLICIES[name]),
        )
        seen = list(_seen(found))
        if len(found.trials) < trials:
            break
    return seen


def _seen(study: Any) -> Iterator[tuple[int, float]]:
    steps = 0
    for trial in study.trials:
        steps += len(trial.candidates) * study.config.candidate_steps
        steps += PROBE_STEPS if "probe" in study.config.health_pruner else 0
        before = steps
        for epoch in sorted(study.epochs_of(trial.number)):
            steps += _STEPS_PER_EPOCH
            yield steps, study.epochs_of(trial.number)[epoch]["val_accuracy"]
        stopped = re.match(r"Stopped after step (\d+)", trial.message)
        steps = before + int(stopped[1]) if stopped else steps


def _merge(scratch: Path, steps: int) -> None:
    target = _target()
    searches: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(scratch.glob("*-*.json")):
        found = json.loads(path.read_text())
        searches.setdefault(found["policy"], []).append(found)
    policies = {
        name: [_described(one, target, steps) for one in searches[name]]
        for name in POLICIES
        if name in searches
    }
    report = {
        "benchmark": "live",
        "settings": {"space": SPACE, "steps": steps, "target": round(target, 4)},
        "machine": describe_machine(),
        "policies": policies,
    }
    TABLE.with_name("live.json").write_text(json.dumps(report, indent=1) + "\n")
    _draw(searches, target, steps, TABLE.with_name("live.svg"))
    for name, described in policies.items():
        marks = described[0]["best_after"]
        means = {
            mark: round(float(np.mean([one["best_after"][mark] for one in described])), 3) for mark in marks
        }
        print(name, [one["steps_to_target"] for one in described], means)


def _described(search: Mapping[str, Any], target: float, steps: int) -> dict[str, Any]:
    seen = [(spent, value) for spent, value in search["seen"] if spent <= steps]
    return {
        "seed": search["seed"],
        "steps_to_target": next((spent for spent, value in seen if value >= target), None),
        "best_after": {
            mark: round(max((value for spent, value in seen if spent <= mark), default=0.0), 4)
            for mark in range(1000, steps + 1, 1000)
        },
    }


def _draw(searches: Mapping[str, Sequence[Mapping[str, Any]]], target: float, steps: int, path: Path) -> None:
    """The best accuracy so far of every search, a panel for each policy."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "live"
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(
        2, math.ceil(len(searches) / 2), figsize=(12, 5), sharex=True, sharey=True, squeeze=False
    )
    for panel in panels.flat[len(searches) :]:
        panel.axis("off")
    for panel, name in zip(panels.flat, (name for name in POLICIES if name in searches), strict=False):
        for search in searches[name]:
            spent, values = zip(*search["seen"], strict=True)
            best = np.maximum.accumulate(values)
            panel.step([*spent, steps], [*best, best[-1]], where="post", color="tab:blue", alpha=0.7)
            reached = int(np.argmax(best >= target))
            if best[reached] >= target:
                panel.plot([spent[reached]], [best[reached]], "o", color="tab:blue")
        panel.axhline(target, color="gray", linestyle="--", linewidth=1)
        panel.set_title(name, fontsize=10)
        panel.set_xlim(0, steps)
        panel.set_ylim(0.6, None)
    figure.supxlabel("training steps")
    figure.supylabel("best validation accuracy so far")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


if __name__ == "__main__":
    main()
