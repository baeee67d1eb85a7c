"""Watching a study's processes from outside: who they are, what memory they hold, what time they use."""

import subprocess
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

import psutil

_MEGABYTE = 2**20


@dataclass
class Watch:
    """What was seen of a study's processes.

    Attributes:
        peak_mb: largest resident memory by role: `"supervisor"`, `"forkserver"`, `"trial"`.
        peak_private_mb: the trials' largest memory that they share with nobody, not even with the forkserver.
        at_trial: resident memory by role when so many trials had been started, in MB.
        supervisor_cpu_seconds: processor time of the supervisor until it was last seen.
        trials_cpu_seconds: the supervisor's processor time while trials ran.
        trials_seconds: how long trials ran.
    """

    peak_mb: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    peak_private_mb: float = 0.0
    at_trial: dict[int, dict[str, float]] = field(default_factory=dict)
    supervisor_cpu_seconds: float = 0.0
    trials_cpu_seconds: float = 0.0
    trials_seconds: float = 0.0


def watch_study(
    process: "subprocess.Popen[bytes]",
    *,
    num_started: Callable[[], int],
    period_seconds: float = 0.1,
) -> Watch:
    """Watches a supervisor and its descendants until it ends.

    Args:
        process: the supervisor.
        num_started: how many trials have been started so far.
        period_seconds: between two looks.
    """
    watch = Watch()
    supervisor = psutil.Process(process.pid)
    first_cpu = first_time = 0.0
    while process.poll() is None:
        try:
            _look(watch, supervisor, num_started())
            cpu, now = sum(supervisor.cpu_times()[:2]), time.perf_counter()
        except psutil.Error:  # somebody ended between two questions
            continue
        watch.supervisor_cpu_seconds = cpu
        if num_started() and not first_time:
            first_cpu, first_time = cpu, now
        if first_time:
            watch.trials_cpu_seconds, watch.trials_seconds = cpu - first_cpu, now - first_time
        time.sleep(period_seconds)
    return watch


def _look(watch: Watch, supervisor: psutil.Process, started: int) -> None:
    resident = {"supervisor": supervisor.memory_info().rss / _MEGABYTE}
    for child in supervisor.children():
        if "forkserver" not in " ".join(child.cmdline()):
            continue
        resident["forkserver"] = child.memory_info().rss / _MEGABYTE
        for trial in child.children():
            memory = trial.memory_full_info()
            resident["trial"] = max(resident.get("trial", 0.0), memory.rss / _MEGABYTE)
            watch.peak_private_mb = max(watch.peak_private_mb, memory.uss / _MEGABYTE)
    for role, megabytes in resident.items():
        watch.peak_mb[role] = max(watch.peak_mb[role], megabytes)
    if started:
        watch.at_trial.setdefault(started, {}).update(resident)
