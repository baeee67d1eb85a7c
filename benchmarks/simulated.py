"""Trials that only report: everything of a study but the training."""

import random
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from arnn_search.execution import Executor, Slot
from arnn_search.spaces.parameters import Parameter
from arnn_search.studies.admission import Admission
from arnn_search.studies.engines import OptunaEngine
from arnn_search.studies.history import HistoryView
from arnn_search.studies.lease import Lease
from arnn_search.studies.ledger import Ledger
from arnn_search.studies.listener import StudyListener
from arnn_search.studies.objectives import Objective, Objectives
from arnn_search.studies.supervisor import Supervisor
from arnn_search.tracking import NullTracker
from arnn_search.trials.channel import Built, EpochReport
from arnn_search.trials.outcome import TrialOutcome
from arnn_search.trials.task import TrialTask

PARAMETERS = (
    Parameter("family", "categorical", choices=("classic", "ar", "bn", "ar_bn"), default="classic"),
    Parameter("activation", "categorical", choices=("sigmoid", "tanh", "relu"), default="relu"),
    Parameter("width", "categorical", choices=(8, 16, 32), default=16),
    Parameter("blocks", "int", low=1, high=3, default=2),
    Parameter("dropout", "float", low=0.0, high=0.5, step=0.1, default=0.0),
    Parameter("learning_rate", "float", low=3e-4, high=1e-2, log=True, default=1e-3),
)
_METRICS = (
    *("loss", "accuracy", "val_loss", "learning_rate"),
    *(f"health/{name}" for name in ("score", "vanishing_index", "collapse", "uniformity", "stability")),
    *("health/saturation", "health/nonfinite_steps"),
    *(f"gradient_rms/{depth:02d}_layer" for depth in range(6)),
)


class SimulatedExecutor(Executor):
    """Trials whose every message is at hand: they report as soon as the supervisor listens.

    Args:
        epochs_between_polls: how many epochs are reported in one call of `poll`.
    """

    def __init__(self, *, epochs_between_polls: int = 16) -> None:
        self._running: deque[tuple[TrialTask, Any, int]] = deque()
        self._per_poll = epochs_between_polls

    def submit(self, task: TrialTask, slot: Slot, session: Any) -> None:
        for parameter in PARAMETERS:
            session.suggest(parameter)
        verdict = session.built(Built(f"{task.seed:016x}", 12_345))
        assert verdict.outcome is None
        assert not verdict.build_again
        self._running.append((task, session, 0))

    def poll(self, timeout_seconds: float) -> None:
        for _ in range(min(self._per_poll, len(self._running))):
            task, session, epoch = self._running.popleft()
            generator = random.Random(task.seed + epoch)
            metrics = {name: generator.random() for name in (task.metric, *_METRICS)}
            session.report(EpochReport(epoch + 1, metrics, float(epoch)))
            if epoch + 1 < task.epochs:
                self._running.append((task, session, epoch + 1))
            else:
                session.finish(TrialOutcome("completed", "completed"))

    def kill(self, number: int, outcome: TrialOutcome) -> None:
        raise NotImplementedError

    def call(self, function: str, *arguments: Any, **keywords: Any) -> Any:
        raise NotImplementedError

    def abandon(self) -> None:
        self._running.clear()

    def close(self) -> None:
        self.abandon()


def supervise(
    ledger: Ledger,
    directory: Path,
    *,
    trials: int,
    epochs: int,
    slots: int,
    on_trial_end: Callable[[int], None],
    tracker: Any = None,
    listener: StudyListener | None = None,
    settings: Mapping[str, Any] | None = None,
) -> None:
    """Runs a study of simulated trials, proposed at random."""

    def make_task(number: int, attempt: int) -> TrialTask:
        return TrialTask(
            number=number,
            attempt=attempt,
            seed=number,
            space=directory / "space.py",
            data=directory / "data",
            directory=directory / "trials" / f"{number:05d}",
            epochs=epochs,
            batch_size=32,
            metric="val_accuracy",
            direction="maximize",
        )

    engine = OptunaEngine(
        sampler="random", pruner="none", direction="maximize", epochs=epochs, seed=0, study_name="study"
    )
    Supervisor(
        ledger,
        engine,
        SimulatedExecutor(),
        [Slot(f"cpu:{index}", "cpu", 1) for index in range(slots)],
        history=HistoryView("strict", num_slots=slots),
        tracker=tracker or NullTracker(),
        listener=listener or StudyListener(),
        make_task=make_task,
        admission=Admission(duplicates="resample"),
        objectives=Objectives((Objective("val_accuracy", "maximize"),)),
        on_trial_end=on_trial_end,
        trials=trials,
        timeout_seconds=None,
        trial_timeout_seconds=None,
        retries=1,
        lease=Lease(ledger, shared=False),
        **(settings or {}),
    ).run()
