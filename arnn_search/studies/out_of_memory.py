"""What is written of a trial that ran out of memory, and whether it is run again with half the batch."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from arnn_search.studies.admission import OUT_OF_MEMORY
from arnn_search.studies.ledger import LedgerTrial, trial_attributes
from arnn_search.trials.channel import Built
from arnn_search.trials.outcome import TrialOutcome
from arnn_search.trials.task import TrialTask

BATCH_SIZE = "batch_size"
"""The attribute of a trial that trains with another batch than the study's."""

_ATTEMPTS = "out_of_memory"
"""The attribute with the size of each attempt that ran out of memory."""


def record_out_of_memory(
    trial: LedgerTrial, task: TrialTask, outcome: TrialOutcome, *, built: Built | None, replicas: int
) -> tuple[TrialOutcome, int | None]:
    """Writes down how large a trial was, and what comes of it.

    The batch belongs to the study's settings, not to the space, so any trial can be given half of it: once,
    down to one sample for each device. If that does not help, the trial is infeasible, and the sampler told.

    Args:
        trial: the ledger's.
        task: what was tried.
        outcome: how it ended.
        built: what was built, if it came to that.
        replicas: over how many devices each batch is spread.

    Returns:
        The outcome with the size in its message, and the batch size to try next, None for none.
    """
    attributes = trial_attributes(trial.recorded)
    size = {
        "num_parameters": built.num_parameters if built else None,
        "batch_size": task.batch_size,
        "estimated_bytes": built.training_bytes if built else None,
        "peak_bytes": outcome.peak_bytes,
        "requested_bytes": outcome.requested_bytes,
    }
    trial.set_attribute(_ATTEMPTS, [*attributes.get(_ATTEMPTS, []), size])
    half = task.batch_size // 2
    halved = half if BATCH_SIZE not in attributes and half and half % replicas == 0 else None
    message = f"{_sentence(size)} {outcome.message}".strip()
    if halved is None:
        trial.set_constraints({OUT_OF_MEMORY: 1.0})
    else:
        trial.set_attribute(BATCH_SIZE, halved)
        message += f" It runs again with a batch of {halved}."
    return replace(outcome, message=message), halved


def _sentence(size: Mapping[str, Any]) -> str:
    weights = size["num_parameters"]
    words = "Out of memory " + ("while it was built" if weights is None else f"with {weights:,} weights")
    words += f" and a batch of {size['batch_size']}"
    details = [
        f"{name} {size[key] / (1 << 30):,.2f} GB"
        for key, name in (
            ("estimated_bytes", "training it was estimated at"),
            ("peak_bytes", "its process held"),
            ("requested_bytes", "it asked for another"),
        )
        if size[key]
    ]
    return f"{words} ({'; '.join(details)})." if details else f"{words}."
