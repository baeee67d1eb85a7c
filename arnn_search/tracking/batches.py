"""How records become calls: what belongs to the same run travels together, and order is kept."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

MAX_VALUES_PER_CALL = 1000
MAX_TEXTS_PER_CALL = 100
MAX_CALL_BYTES = 500_000

BATCHED_KINDS = frozenset({"params", "metrics", "tags"})
"""Kinds of records that one call can carry together."""

Record = dict[str, Any]


@dataclass(frozen=True)
class Batch:
    """Records of one run that are delivered in one go.

    Attributes:
        trial: number of the trial; None for the study's own run.
        positions: where the records stand in the sequence that was planned.
        records: the records, in order.
    """

    trial: int | None
    positions: tuple[int, ...]
    records: tuple[Record, ...]

    def halves(self) -> "tuple[Batch, Batch] | None":
        """Two batches that hold the same, to find what is rejected; None if it is a single value."""
        middle = len(self.records) // 2
        if middle:
            return (
                Batch(self.trial, self.positions[:middle], self.records[:middle]),
                Batch(self.trial, self.positions[middle:], self.records[middle:]),
            )
        values = list(self.records[0].get("values", {}).items())
        middle = len(values) // 2
        if not middle:
            return None
        first, second = (
            Batch(self.trial, self.positions, ({**self.records[0], "values": dict(some)},))
            for some in (values[:middle], values[middle:])
        )
        return first, second


def plan(records: Sequence[Record | None]) -> Iterator[Batch]:
    """Group records into batches.

    Parameters, metrics and tags of a run are gathered until the run needs something else (its start, a
    file, its end) or a call is full; everything else is a batch of one. The order within a run is kept;
    runs do not wait for each other.

    Args:
        records: records in the order of the spool; None stands for a torn line and is passed over.

    Yields:
        Batches in an order in which they may be delivered.
    """
    gathered: dict[int | None, list[int]] = {}
    sizes: dict[int | None, list[int]] = {}

    def close(trial: int | None) -> Iterator[Batch]:
        positions = gathered.pop(trial, [])
        sizes.pop(trial, None)
        if positions:
            yield Batch(trial, tuple(positions), tuple(records[p] or {} for p in positions))

    for position, record in enumerate(records):
        if record is None:
            continue
        trial = record.get("trial")
        if record.get("kind") not in BATCHED_KINDS:
            yield from close(trial)
            yield Batch(trial, (position,), (record,))
            continue
        size = _size(record)
        total = [a + b for a, b in zip(sizes.get(trial, [0, 0, 0]), size, strict=True)]
        limits = (MAX_VALUES_PER_CALL, MAX_TEXTS_PER_CALL, MAX_CALL_BYTES)
        if any(amount > limit for amount, limit in zip(total, limits, strict=True)):
            yield from close(trial)
            total = size
        gathered.setdefault(trial, []).append(position)
        sizes[trial] = total
    for trial in list(gathered):
        yield from close(trial)


def call_bytes(records: Sequence[Record]) -> int:
    """About how large a call with these parameters, metrics and tags becomes."""
    return sum(_size(record)[2] for record in records)


def num_points(records: Sequence[Record | None]) -> int:
    """How many metric points records hold."""
    return sum(len(record["values"]) for record in records if record and record.get("kind") == "metrics")


def _size(record: Record) -> list[int]:
    values = record["values"]
    is_metrics = record["kind"] == "metrics"
    num_bytes = sum(
        len(name) + (80 if is_metrics else len(json.dumps(str(value)))) for name, value in values.items()
    )
    return [len(values), 0 if is_metrics else len(values), num_bytes]
