"""What an executor is: it runs trials, carries their channel, and runs a function in a clean process."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from importlib import import_module
from types import TracebackType
from typing import Any, Protocol, Self

from arnn_search.execution.slots import DeviceRequest, Slot, SlotPlan, plan_slots
from arnn_search.trials.channel import Channel
from arnn_search.trials.outcome import TrialOutcome
from arnn_search.trials.task import TrialTask


class TrialSession(Channel, Protocol):
    """The supervisor's side of one attempt: the trial's channel, and its end."""

    def finish(self, outcome: TrialOutcome) -> None:
        """Called exactly once, when the attempt has ended, whatever the way."""


class Executor(ABC):
    """Runs trials. All sessions are called from the thread that calls `submit` and `poll`."""

    def plan_slots(self, request: DeviceRequest) -> SlotPlan:
        """The places where trials can run; see `arnn_search.execution.slots.plan_slots`.

        Raises:
            ConfigurationError: a device that does not exist.
        """
        return plan_slots(request)

    @abstractmethod
    def submit(self, task: TrialTask, slot: Slot, session: TrialSession) -> None:
        """Starts a trial in a free slot."""

    @abstractmethod
    def poll(self, timeout_seconds: float) -> None:
        """Passes on what trials say; returns after something was said, or after the timeout."""

    @abstractmethod
    def kill(self, number: int, outcome: TrialOutcome) -> None:
        """Ends a running trial at once, with this outcome."""

    @abstractmethod
    def call(self, function: str, *arguments: Any, **keywords: Any) -> Any:
        """Runs a function where a trial would run, and returns its value.

        Args:
            function: as `"package.module:name"`, so that this process need not import it.
            *arguments: of the function; sent to another process.
            **keywords: likewise.

        Raises:
            ArnnSearchError: passed on from the function.
            RuntimeError: the function raised something else, or its process died.
        """

    @abstractmethod
    def abandon(self) -> None:
        """Ends whatever still runs, without an outcome."""

    @abstractmethod
    def close(self) -> None:
        """Does that, and gives back what the executor holds."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def load_function(reference: str) -> Callable[..., Any]:
    """The function that `"package.module:name"` stands for."""
    module, _, name = reference.partition(":")
    function: Callable[..., Any] = getattr(import_module(module), name)
    return function
