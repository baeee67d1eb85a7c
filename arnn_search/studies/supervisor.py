"""The supervisor: fills the slots, passes on what trials say, and keeps the budget exact."""

import contextlib
import shutil
import signal
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Any

from arnn_search.execution.executor import Executor
from arnn_search.execution.slots import Slot
from arnn_search.health.race import StepRace
from arnn_search.studies.admission import OUT_OF_MEMORY, Admission
from arnn_search.studies.checkpoints import CheckpointStore, LocalCheckpoints
from arnn_search.studies.deaths import count_death, give_up
from arnn_search.studies.draft import Contest, Draft
from arnn_search.studies.engines.engine import Engine, PastTrial, Proposal, Readiness, Schedule
from arnn_search.studies.finished import Finished
from arnn_search.studies.history import HistoryView, as_past_trial
from arnn_search.studies.layout import make_directory
from arnn_search.studies.lease import Lease
from arnn_search.studies.ledger import Ledger, LedgerTrial, trial_attribute, trial_attributes
from arnn_search.studies.listener import StudyListener
from arnn_search.studies.objectives import Objectives
from arnn_search.studies.out_of_memory import BATCH_SIZE
from arnn_search.studies.pareto_pruning import ParetoRule
from arnn_search.studies.patience import check_space
from arnn_search.studies.racing import Racing
from arnn_search.studies.session import Session
from arnn_search.trials.outcome import DISK_FULL, TrialOutcome
from arnn_search.trials.task import TrialTask

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from arnn_search.tracking import NullTracker, Tracker

_POLL_SECONDS = 0.25
_WAIT_SECONDS = 1.0


class Supervisor:
    """Runs trials until the budget is used up, the time is over, or somebody asks it to stop.

    The first Ctrl-C lets the running trials finish, the second ends them; either way the study can be
    resumed, and a trial that was ended is run again under its own number.

    Args:
        ledger: where everything is written.
        engine: what proposes.
        executor: what runs trials.
        slots: where they run.
        history: what the engine may know.
        tracker: MLflow.
        listener: the progress display.
        make_task: makes the task of a trial from its number and attempt.
        admission: decides what becomes of what was built.
        objectives: what trials are scored by.
        prunes: whether trials may be stopped early where there are several objectives.
        race: decides which trials go on from rungs of their first steps; None: all.
        contest: how many candidates compete for each trial; None: nothing competes.
        on_trial_end: called after each trial that has ended for good.
        trials: how many trials the study has in the end.
        timeout_seconds: after which no trial is started any more.
        trial_timeout_seconds: after which a trial is ended.
        retries: how often a trial whose process or machine died is run again.
        lease: what tells this supervisor's trials from those of others that share the ledger.
        checkpoints: where those of running trials are kept; None for their own folders.
    """

    def __init__(
        self,
        ledger: Ledger,
        engine: Engine,
        executor: Executor,
        slots: list[Slot],
        *,
        history: HistoryView,
        tracker: "Tracker | NullTracker",
        listener: StudyListener,
        make_task: Callable[[int, int], TrialTask],
        admission: Admission,
        objectives: Objectives,
        prunes: bool = True,
        race: StepRace | None = None,
        contest: Contest | None = None,
        on_trial_end: Callable[[int], None],
        trials: int,
        timeout_seconds: float | None,
        trial_timeout_seconds: float | None,
        retries: int,
        lease: Lease,
        checkpoints: CheckpointStore | None = None,
    ) -> None:
        self._lease, self._checkpoints = lease, checkpoints or LocalCheckpoints()
        self._ledger, self._engine, self._executor, self._history = ledger, engine, executor, history
        self._tracker, self._listener = tracker, listener
        self._make_task, self._on_trial_end = make_task, on_trial_end
        self._admission, self._objectives, self._prunes = admission, objectives, prunes
        self._trials, self._retries, self._race, self._contest = trials, retries, race, contest or Contest()
        self._trial_timeout = trial_timeout_seconds
        self._deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        self._free = deque(slots)
        self._running: dict[int, Session] = {}
        self._again: deque[int] = deque()
        self._finished = Finished()
        self._by_architecture: dict[str, list[FrozenTrial]] = defaultdict(list)
        self.interruptions = 0
        self.is_exhausted = False
        self._discounted = 0.0

    @property
    def is_stopped(self) -> bool:
        """Whether it was asked to stop at once."""
        return self.interruptions >= 2

    def run(self) -> bool:
        """Runs the study; returns whether the whole budget of trials has been used.

        With a shared ledger it also waits for the trials of other supervisors, since one that is lost leaves
        trials to be run again.
        """
        trials = self._ledger.trials()
        if trials:
            self._engine.restore([as_past_trial(trial) for trial in trials])
        patience = self._ledger.patience
        patience.is_over = lambda: self.is_stopped
        patience.tell = self._listener.waiting
        with self._interruptible():
            while not self.is_stopped:
                self._lease.renew()
                self._start_trials()
                if self.is_stopped:
                    break
                if self._running:
                    self._executor.poll(_POLL_SECONDS)
                elif self._is_over() or not self._others_at_work():
                    break
                else:
                    time.sleep(_WAIT_SECONDS)
                self._discount_waiting()
                self._end_overdue_trials()
                self._listener.tick()
        self._executor.abandon()
        self._lease.end()
        finished = [trial for trial in self._ledger.trials() if trial.state.is_finished()]
        return len(finished) >= self._trials

    def _start_trials(self) -> None:
        while self._free and not self._is_over():
            claimed = self._ledger.claim(self._claim)
            if claimed is None:
                return
            if self._again:
                self._again.popleft()
            self._start(*claimed, self._free.popleft())

    def _claim(self) -> tuple[LedgerTrial, list[PastTrial]] | None:
        """A trial that is this supervisor's to run, and what it is proposed from.

        One to be run again, or a new one within the budget.
        """
        trials = self._ledger.trials()
        self._note_evaluated(trials)
        again = self._again[0] if self._again else self._first_lost(trials)
        if again is not None:
            trial = self._ledger.reopen_trial(again)
            past = self._history.past(trial.number, trials)
        else:
            ready = self._next_history(trials)
            if ready is None:
                return None
            past, trial = ready, self._ledger.start_trial()
        trial.own(self._lease.identity)
        return trial, past

    def _next_history(self, trials: "list[FrozenTrial]") -> list[PastTrial] | None:
        """What the next trial is proposed from; None if there is none to start now.

        An engine that has nothing to propose yet is told the end of one trial more, as soon as that trial
        has ended, and so on: in strict order that too is the same in every run.
        """
        number = len(trials)
        if number >= self._trials or self.is_exhausted:
            return None
        for num_known in range(self._history.num_known(number), number + 1):
            if not self._history.can_start(number, trials, num_known=num_known):
                return None
            past = self._history.past(number, trials, num_known=num_known)
            if self._engine.readiness(number, past) is Readiness.READY:
                return past
        self.is_exhausted = all(trial.state.is_finished() for trial in trials)
        if self.is_exhausted:
            self._listener.exhausted(num_trials=number)
        return None

    def _first_lost(self, trials: "list[FrozenTrial]") -> int | None:
        """A trial that has nobody left who runs it. One that has taken machines with it is given up."""
        for trial in trials[self._finished.num_settled :]:
            if not self._is_lost(trial):
                continue
            if not self._lease.has_died(trial):
                return trial.number
            reopened = self._ledger.reopen_trial(trial.number)
            if count_death(reopened) <= self._retries:
                return trial.number
            give_up(reopened, self._tracker, self._listener)
            with contextlib.suppress(Exception):  # what is left of it does no harm
                self._checkpoints.remove(trial.number)
            self._on_trial_end(trial.number)
        return None

    def _is_lost(self, trial: "FrozenTrial") -> bool:
        if trial.state.is_finished() or trial.number in self._running:
            return False
        return self._lease.has_lost(trial)

    def _others_at_work(self) -> bool:
        return self._lease.shared and any(not trial.state.is_finished() for trial in self._ledger.trials())

    def _start(self, trial: LedgerTrial, past: list[PastTrial], slot: Slot) -> None:
        number, recorded = trial.number, trial.recorded
        attributes = trial_attributes(recorded)
        attempt = attributes.get("attempt", 0) + 1
        fixed = recorded.params or None

        def propose(tries: int) -> Proposal:
            return self._engine.propose(number, past, fixed=fixed, tries=tries)

        proposal = propose(0)
        task = self._scheduled(self._make_task(number, attempt), proposal.schedule)
        if BATCH_SIZE in attributes:
            task = replace(task, batch_size=attributes[BATCH_SIZE])
        if attempt > 1:
            fetch = partial(self._checkpoints.fetch, number, task.checkpoint_path)
            self._ledger.patience.call(fetch)
        session = Session(
            task,
            slot,
            draft=Draft(
                proposal,
                propose if self._engine.resamples and fixed is None else None,
                self._contest,
            ),
            admission=self._admission,
            # What was admitted once is, whatever has been evaluated since; and a round goes on with a trial.
            evaluated=_nothing if fixed or proposal.schedule else self._evaluated(past),
            trial=trial,
            objectives=self._objectives,
            rule=self._pareto_rule(past),
            racing=Racing(self._race, past),
            tracker=self._tracker,
            listener=self._listener,
            checkpoints=self._checkpoints,
            retries=self._retries,
            on_end=self._ended,
        )
        self._running[number] = session
        self._executor.submit(task, slot, session)

    def _pareto_rule(self, past: list[PastTrial]) -> ParetoRule | None:
        if len(self._objectives.items) == 1 or not self._prunes:
            return None
        return ParetoRule(self._objectives.directions, [known.rungs for known in past if known.rungs])

    def _note_evaluated(self, trials: "list[FrozenTrial]") -> None:
        for trial in self._finished.news(trials):
            architecture = trial_attribute(trial, "architecture")
            if architecture:
                self._by_architecture[architecture].append(trial)

    def _evaluated(self, past: list[PastTrial]) -> "Callable[[str], FrozenTrial | None]":
        """Finds the first trial of an architecture with a result, among those that a proposal may know of."""

        def find(architecture: str) -> "FrozenTrial | None":
            found = (
                trial
                for trial in self._by_architecture.get(architecture, ())
                if trial.number < len(past) and _has_result(past[trial.number])
            )
            return min(found, key=lambda trial: trial.number, default=None)

        return find

    def _scheduled(self, task: TrialTask, schedule: Schedule | None) -> TrialTask:
        """The task with the epochs that the engine asks for, and the weights it goes on with at hand."""
        self._ledger.patience.call(lambda: make_directory(task.directory))
        if schedule is None:
            return task
        if schedule.continues is not None:
            earlier = self._make_task(schedule.continues, 1)
            with contextlib.suppress(FileNotFoundError):  # the trial says so, and fails
                shutil.copyfile(earlier.weights_path, task.initial_weights_path)
        return replace(
            task,
            initial_epoch=schedule.first_epoch,
            epochs=schedule.last_epoch,
            keep_weights=schedule.may_be_continued,
        )

    def _ended(self, session: Session, again: bool) -> None:
        number = session.task.number
        del self._running[number]
        self._free.append(session.slot)
        if again:
            self._again.append(number)
            if session.outcome_reason == DISK_FULL:
                self._ledger.patience.call(lambda: check_space(session.task.directory))
        else:
            self._on_trial_end(number)

    def _discount_waiting(self) -> None:
        """Trials are not overdue because they were not answered."""
        waited = self._ledger.patience.waited
        for session in self._running.values():
            session.started += waited - self._discounted
        self._discounted = waited

    def _end_overdue_trials(self) -> None:
        if self._trial_timeout is None:
            return
        for number, session in list(self._running.items()):
            seconds = time.monotonic() - session.started
            if seconds > self._trial_timeout:
                message = f"Ended after {seconds:.0f} s (trial_timeout is {self._trial_timeout:g} s)."
                self._executor.kill(number, TrialOutcome("failed", "timed out", message))

    def _is_over(self) -> bool:
        timed_out = self._deadline is not None and time.monotonic() > self._deadline
        return timed_out or self.interruptions > 0

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Takes Ctrl-C and SIGTERM as requests to stop, where signals can be taken at all."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def interrupt(number: int, frame: FrameType | None) -> None:
            # A terminated job has seconds to live: nothing that runs will finish.
            self.interruptions += 2 if number == signal.SIGTERM else 1
            self._listener.stopping(now=self.is_stopped)
            if self.interruptions > 2:
                raise KeyboardInterrupt

        previous: dict[signal.Signals, Any] = {}
        for taken in (signal.SIGINT, signal.SIGTERM):
            previous[taken] = signal.signal(taken, interrupt)
        try:
            yield
        finally:
            for taken, handler in previous.items():
                signal.signal(taken, handler)


def _has_result(past: PastTrial) -> bool:
    """That an architecture does not fit into memory is one, too."""
    is_known = past.intermediate_values or past.rungs or past.constraints.get(OUT_OF_MEMORY, 0) > 0
    return past.state.is_finished() and bool(is_known)


def _nothing(architecture: str) -> None:
    """Of what is settled already nothing counts as evaluated."""
