"""Trials in this very process, one after the other: for debuggers and tests."""

from typing import Any

from arnn_search.execution.devices import Slot
from arnn_search.execution.executor import Executor, TrialSession, load_function
from arnn_search.trials.outcome import TrialOutcome
from arnn_search.trials.task import TrialTask


class InlineExecutor(Executor):
    """Runs a trial from start to end inside `submit`. Breakpoints work; a crash takes the study along."""

    def plan_slots(self, devices: str = "auto", *, workers: int | None = None) -> list[Slot]:
        """One: nothing runs beside anything else."""
        return super().plan_slots(devices, workers=workers)[:1]

    def submit(self, task: TrialTask, slot: Slot, session: TrialSession) -> None:
        from arnn_search.trials.run import run_trial

        session.finish(run_trial(task, session))

    def poll(self, timeout_seconds: float) -> None:
        """Nothing runs between two calls of `submit`."""

    def kill(self, number: int, outcome: TrialOutcome) -> None:
        """Nothing runs that could be killed."""

    def call(self, function: str, *arguments: Any, **keywords: Any) -> Any:
        return load_function(function)(*arguments, **keywords)

    def close(self) -> None:
        """Nothing is open."""
