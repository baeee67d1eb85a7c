"""Interleaved timing on a machine that others use too, and how a figure is written down.

Variants are timed in turn, round after round and in alternating order, so that whatever else the machine does
meets all of them. A figure is the median of the per-round ratios, with their quartiles.
"""

import json
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"

_PACKAGES = ("arnn-search", "keras", "keras-tuner", "mlflow", "numpy", "optuna", "tensorflow", "jax", "torch")
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)


@dataclass(frozen=True)
class Spread:
    """What repeated measurements say.

    Attributes:
        median: of all of them.
        lower: first quartile.
        upper: third quartile.
        count: how many there are.
    """

    median: float
    lower: float
    upper: float
    count: int


@dataclass(frozen=True)
class Figure:
    """One line of a benchmark's table.

    Attributes:
        name: what was measured.
        value: as measured.
        unit: `"x"` for a ratio, else `"s"`, `"MB"`, `"%"`.
        goal: what it should not exceed; None where there is none.
        beside: another number of the same measurement, for people to put it in proportion.
    """

    name: str
    value: Spread
    unit: str = "x"
    goal: float | None = None
    beside: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the median keeps to the goal."""
        return None if self.goal is None else self.value.median <= self.goal


def pin_threads(threads: int) -> None:
    """Holds every numerical library of this process, and of those it starts, to so many threads, on the CPU.

    To be called before any of them is imported.
    """
    for variable in _THREAD_VARIABLES:
        os.environ[variable] = str(threads)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"


def spread(values: Sequence[float]) -> Spread:
    """Median and quartiles.

    Raises:
        ValueError: there are no values.
    """
    if not len(values):
        raise ValueError("There is nothing to take the median of. Received: no values.")
    lower, median, upper = (float(value) for value in np.percentile(values, (25, 50, 75)))
    return Spread(median, lower, upper, len(values))


def interleave(
    variants: Mapping[str, Callable[[], Any]],
    *,
    rounds: int,
    warm_up: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Times every variant once in each round, forwards in even rounds and backwards in odd ones.

    Args:
        variants: what to call, by name.
        rounds: that count, at least 1.
        warm_up: rounds before them that do not.
        clock: in seconds.

    Returns:
        The seconds of each round, by name.
    """
    if rounds < 1:
        raise ValueError(f"`rounds` must be at least 1. Received: {rounds}.")
    for _ in range(warm_up):
        for run in variants.values():
            run()
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    for index in range(rounds):
        names = list(variants) if index % 2 == 0 else list(reversed(variants))
        for name in names:
            started = clock()
            variants[name]()
            seconds[name].append(clock() - started)
    return seconds


def ratio(seconds: Mapping[str, Sequence[float]], name: str, baseline: str) -> Spread:
    """How much longer a variant takes than another, round by round."""
    pairs = zip(seconds[name], seconds[baseline], strict=True)
    return spread([value / reference for value, reference in pairs])


def describe_machine() -> dict[str, Any]:
    """The versions and the hardware that figures depend on; nothing that names a machine or a person."""
    import psutil

    from arnn_search.execution.devices import visible_gpus

    packages = {}
    for package in _PACKAGES:
        try:
            packages[package] = version(package)
        except PackageNotFoundError:
            packages[package] = "not installed as a package"
    return {
        "python": platform.python_version(),
        "packages": packages,
        "system": platform.system(),
        "processor": _processor(),
        "cores": psutil.cpu_count(),
        "gpus": [f"{gpu.name}, {gpu.memory_mb / 1024:.0f} GB" for gpu in visible_gpus()],
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "threads": os.environ.get("TF_NUM_INTRAOP_THREADS", "not pinned"),
    }


def publish(
    name: str, figures: Sequence[Figure], *, settings: Mapping[str, Any], directory: Path = RESULTS
) -> Path:
    """Writes `<name>.json`, prints its table, and returns the file."""
    report = {
        "benchmark": name,
        "settings": dict(settings),
        "machine": describe_machine(),
        "figures": [asdict(figure) | {"met": figure.met} for figure in figures],
    }
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{name}.json"
    path.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    Console(width=None if os.isatty(1) else 120).print(as_table(name, figures))
    return path


def as_table(name: str, figures: Sequence[Figure]) -> Table:
    """The figures for people."""
    table = Table("what", "median", "quartiles", "n", "goal", "", "beside", title=name)
    for figure in figures:
        value = figure.value
        verdict = {True: "[green]met[/]", False: "[red]missed[/]", None: ""}[figure.met]
        goal = "" if figure.goal is None else f"<= {_number(figure.goal, figure.unit)}"
        quartiles = f"{_number(value.lower, figure.unit)} .. {_number(value.upper, figure.unit)}"
        median = _number(value.median, figure.unit)
        table.add_row(figure.name, median, quartiles, str(value.count), goal, verdict, figure.beside)
    return table


def _number(value: float, unit: str) -> str:
    digits = {"x": 3, "s": 2, "MB": 0, "%": 1}.get(unit, 3)
    return f"{value:.{digits}f}" if unit == "x" else f"{value:.{digits}f} {unit}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.machine())
