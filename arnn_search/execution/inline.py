"""Trials in this very process, one after the other: for debuggers and tests."""

from typing import Any

from arnn_search.errors import ConfigurationError
from arnn_search.execution.executor import Executor, TrialSession, load_function
from arnn_search.execution.slots import DeviceRequest, Slot, SlotPlan
from arnn_search.trials.outcome import TrialOutcome
from arnn_search.trials.task import TrialTask


class InlineExecutor(Executor):
    """Runs a trial from start to end inside `submit`. Breakpoints work; a crash takes the study along."""

    def plan_slots(self, request: DeviceRequest) -> SlotPlan:
        """One: nothing runs beside anything else.

        Raises:
            ConfigurationError: a trial over several devices, which takes a process of its own.
        """
        if request.gpus_per_trial > 1:
            raise ConfigurationError("`gpus_per_trial` takes --executor local or ray: a process of its own.")
        plan = super().plan_slots(request)
        return SlotPlan(plan.slots[:1], (*plan.reasons, "One trial at a time, in this process (inline)."))

    def submit(self, task: TrialTask, slot: Slot, session: TrialSession) -> None:
        from arnn_search.trials.run import run_trial

        session.finish(run_trial(task, session))

    def poll(self, timeout_seconds: float) -> None:
        """Nothing runs between two calls of `submit`."""

    def kill(self, number: int, outcome: TrialOutcome) -> None:
        """Nothing runs that could be killed."""

    def call(self, function: str, *arguments: Any, **keywords: Any) -> Any:
        return load_function(function)(*arguments, **keywords)

    def abandon(self) -> None:
        """Nothing runs between two calls of `submit`."""

    def close(self) -> None:
        """Nothing is open."""
