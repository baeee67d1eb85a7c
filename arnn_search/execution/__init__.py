"""Where trials run: in processes of their own on the devices of this machine, or inline in this process."""

from arnn_search.execution.devices import Slot, plan_slots
from arnn_search.execution.executor import Executor, TrialSession
from arnn_search.execution.inline import InlineExecutor
from arnn_search.execution.local import LocalExecutor

__all__ = ["Executor", "InlineExecutor", "LocalExecutor", "Slot", "TrialSession", "plan_slots"]
