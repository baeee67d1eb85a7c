"""One trial, start to end: build an architecture, fit it, report every epoch, say how it ended.

A trial knows neither the ledger nor MLflow, nor where it runs: it talks to whoever started it over a
`Channel`.
"""

from arnn_search.trials.channel import Built, Channel, ChannelClosedError, EpochReport, Verdict
from arnn_search.trials.outcome import TrialOutcome, TrialState
from arnn_search.trials.task import TrialTask

__all__ = [
    "Built",
    "Channel",
    "ChannelClosedError",
    "EpochReport",
    "TrialOutcome",
    "TrialState",
    "TrialTask",
    "Verdict",
]
