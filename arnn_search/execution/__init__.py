"""Where trials run: in processes of their own on this machine or a Ray cluster, or inline in this process."""

from arnn_search.execution.executor import Executor, TrialSession
from arnn_search.execution.inline import InlineExecutor
from arnn_search.execution.local import LocalExecutor
from arnn_search.execution.ray import RayExecutor
from arnn_search.execution.slots import DeviceRequest, Slot, SlotPlan, plan_slots

__all__ = [
    "DeviceRequest",
    "Executor",
    "InlineExecutor",
    "LocalExecutor",
    "RayExecutor",
    "Slot",
    "SlotPlan",
    "TrialSession",
    "plan_slots",
]
