"""An executor without processes: trials are scripts, advanced in an order that a seed decides."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from arnn_search.execution import Executor
from arnn_search.spaces.parameters import Parameter
from arnn_search.trials.channel import Built, EpochReport
from arnn_search.trials.outcome import TrialOutcome

COMPLETED = TrialOutcome("completed", "completed")
KILLED = TrialOutcome("failed", "killed by signal 9", retry=True)
RATE = Parameter("rate", "float", low=1e-4, high=1.0, log=True, default=0.01)
WIDTH = Parameter("width", "int", low=1, high=9, step=2, default=3)
FAMILY = Parameter("family", "categorical", choices=("classic", "ar"), default="classic")


def train(task, session) -> Iterator[TrialOutcome | None]:
    """A trial whose score depends on nothing but its parameters, its seed and the epoch."""
    rate = session.suggest(RATE)
    yield None
    width = session.suggest(WIDTH)
    family = session.suggest(FAMILY)
    session.built(Built(f"{family}-{width}", width))
    noise = random.Random(task.seed).random() * 0.01
    for epoch in range(1, task.epochs + 1):
        yield None
        score = (1 - abs(rate - 0.1)) * epoch / task.epochs + width / 100 + noise
        reason = session.report(EpochReport(epoch, {task.metric: score, "loss": 1 - score}, float(epoch)))
        if reason is not None:
            yield TrialOutcome("pruned", reason)
    yield COMPLETED


@dataclass
class _Running:
    session: object
    script: Iterator[TrialOutcome | None]


class ScriptedExecutor(Executor):
    def __init__(self, script: Callable = train, *, seed: int = 0) -> None:
        self.script, self.random = script, random.Random(seed)
        self.running: dict[int, _Running] = {}
        self.most_running = 0

    def submit(self, task, slot, session) -> None:
        self.running[task.number] = _Running(session, self.script(task, session))
        self.most_running = max(self.most_running, len(self.running))

    def poll(self, timeout_seconds: float) -> None:
        number = self.random.choice(sorted(self.running))
        outcome = next(self.running[number].script)
        if outcome is not None:
            self.running.pop(number).session.finish(outcome)

    def kill(self, number, outcome) -> None:
        self.running.pop(number).session.finish(outcome)

    def call(self, function, *arguments, **keywords):
        raise AssertionError(f"nothing to call: {function}")

    def abandon(self) -> None:
        self.running.clear()

    def close(self) -> None:
        self.abandon()
