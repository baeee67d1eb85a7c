import signal
import time

import pytest

from arnn_search.execution import Slot
from arnn_search.spaces.parameters import Parameter
from arnn_search.studies.admission import Admission
from arnn_search.studies.engines import OptunaEngine
from arnn_search.studies.history import HistoryView
from arnn_search.studies.lease import Lease
from arnn_search.studies.ledger import create_ledger, find_ledger, open_ledger, trial_attributes, trial_epochs
from arnn_search.studies.listener import StudyListener
from arnn_search.studies.objectives import Objective, Objectives
from arnn_search.studies.supervisor import Supervisor
from arnn_search.tracking import NullTracker
from arnn_search.trials.outcome import TrialOutcome
from arnn_search.trials.task import TrialTask

from .scripted import KILLED, RATE, ScriptedExecutor, train


class Workplace:
    """A ledger in a folder, and supervisors that are put to work on it."""

    def __init__(
        self, directory, *, slots=2, order="strict", sampler="tpe", pruner="none", epochs=3, storage=None
    ):
        directory.mkdir(parents=True, exist_ok=True)
        self.directory, self.order, self.epochs = directory, order, epochs
        self.slots = [Slot(f"cpu:{index}", "cpu", 1) for index in range(slots)]
        self.storage = storage
        self.ledger = find_ledger(directory, "study", storage=storage) or create_ledger(
            directory, "study", direction="maximize", storage=storage
        )
        self.admission = Admission()
        self.objectives = Objectives((Objective("val_accuracy", "maximize"),))
        self.engine = OptunaEngine(
            sampler=sampler, pruner=pruner, direction="maximize", epochs=epochs, seed=7, study_name="study"
        )

    def reopen(self):
        self.ledger = open_ledger(self.directory, "study", storage=self.storage)

    def supervisor(
        self,
        executor,
        trials,
        *,
        retries=1,
        listener=None,
        lease_seconds=60.0,
        clock=time.monotonic,
        checkpoints=None,
        **limits,
    ):
        settings = {"timeout_seconds": None, "trial_timeout_seconds": None} | limits
        return Supervisor(
            self.ledger,
            self.engine,
            executor,
            self.slots,
            history=HistoryView(self.order, num_slots=len(self.slots), needs_values=self.engine.needs_values),
            tracker=NullTracker(),
            listener=listener or StudyListener(),
            make_task=self._task,
            admission=self.admission,
            objectives=self.objectives,
            on_trial_end=lambda number: None,
            trials=trials,
            retries=retries,
            lease=Lease(self.ledger, shared=self.storage is not None, seconds=lease_seconds, clock=clock),
            checkpoints=checkpoints,
            **settings,
        )

    def _task(self, number, attempt):
        return TrialTask(
            number=number,
            attempt=attempt,
            seed=100 + number,
            space=self.directory / "space.py",
            data=self.directory,
            directory=self.directory / "trials" / str(number),
            epochs=self.epochs,
            batch_size=8,
            metric="val_accuracy",
            direction="maximize",
        )

    def results(self):
        return [(trial.number, trial.state.name, trial.value, trial.params) for trial in self.ledger.trials()]


@pytest.mark.parametrize("slots", [1, 2, 5])
@pytest.mark.parametrize("order", ["strict", "free"])
def test_budget_is_exact_whatever_the_number_of_workers(tmp_path, slots, order):
    workplace = Workplace(tmp_path, slots=slots, order=order)
    executor = ScriptedExecutor()
    assert workplace.supervisor(executor, 20).run()
    trials = workplace.ledger.trials()
    assert [trial.number for trial in trials] == list(range(20))
    assert all(trial.state.name == "COMPLETE" for trial in trials)
    assert executor.most_running == slots


def test_strict_order_gives_the_same_study_in_every_interleaving(tmp_path):
    results = []
    for seed in range(4):
        workplace = Workplace(tmp_path / str(seed), slots=3, pruner="median", epochs=6)
        workplace.supervisor(ScriptedExecutor(seed=seed), 30).run()
        results.append(workplace.results())
    assert results[1:] == results[:1] * 3
    assert {state for _, state, _, _ in results[0]} == {"COMPLETE", "PRUNED"}


def test_interrupted_and_resumed_study_equals_the_uninterrupted_one(tmp_path):
    whole = Workplace(tmp_path / "whole", slots=2, pruner="asha", epochs=9)
    whole.supervisor(ScriptedExecutor(), 24).run()

    class Crash(Exception):
        pass

    class CrashingExecutor(ScriptedExecutor):
        polls = 0

        def poll(self, timeout_seconds):
            self.polls += 1
            if self.polls == 60:
                raise Crash
            super().poll(timeout_seconds)

    broken = Workplace(tmp_path / "broken", slots=2, pruner="asha", epochs=9)
    with pytest.raises(Crash):
        broken.supervisor(CrashingExecutor(seed=5), 24).run()
    broken.reopen()
    states = [trial.state.name for trial in broken.ledger.trials()]
    assert "RUNNING" in states
    assert len(states) < 24
    assert broken.supervisor(ScriptedExecutor(seed=9), 24).run()
    assert broken.results() == whole.results()


def test_trial_killed_by_signal_is_retried_once_under_its_own_number(tmp_path):
    attempts = []

    def dies_first(task, session):
        attempts.append((task.number, task.attempt))
        if task.number == 1 and task.attempt == 1:
            session.suggest(RATE)
            yield KILLED
        yield from train(task, session)

    workplace = Workplace(tmp_path)
    workplace.supervisor(ScriptedExecutor(dies_first), 4).run()
    assert sorted(attempts) == [(0, 1), (1, 1), (1, 2), (2, 1), (3, 1)]
    assert [trial.state.name for trial in workplace.ledger.trials()] == ["COMPLETE"] * 4
    assert trial_attributes(workplace.ledger.trials()[1])["attempt"] == 2


def test_trial_that_keeps_dying_is_failed_with_its_reason_and_the_study_goes_on(tmp_path):
    def always_dies(task, session):
        if task.number == 1:
            yield KILLED
        yield from train(task, session)

    workplace = Workplace(tmp_path)
    workplace.supervisor(ScriptedExecutor(always_dies), 4).run()
    dead = workplace.ledger.trials()[1]
    assert dead.state.name == "FAIL"
    assert trial_attributes(dead)["reason"] == "killed by signal 9"
    assert [trial.state.name for trial in workplace.ledger.trials()].count("COMPLETE") == 3


def test_exception_is_not_retried(tmp_path):
    attempts = []

    def raises(task, session):
        attempts.append(task.attempt)
        yield TrialOutcome(
            "failed", "exception: KeyError", "space.py, line 3: KeyError: 'a'", "Traceback ..."
        )

    workplace = Workplace(tmp_path, slots=1)
    workplace.supervisor(ScriptedExecutor(raises), 2, retries=3).run()
    assert attempts == [1, 1]
    assert trial_attributes(workplace.ledger.trials()[0])["traceback"] == "Traceback ..."


def test_everything_reported_before_a_crash_is_in_the_ledger(tmp_path):
    class Crash(Exception):
        pass

    def crashes(task, session):
        script = train(task, session)
        for _ in range(3):
            yield next(script)
        raise Crash

    workplace = Workplace(tmp_path, slots=1)
    with pytest.raises(Crash):
        workplace.supervisor(ScriptedExecutor(crashes), 1).run()
    workplace.reopen()
    (trial,) = workplace.ledger.trials()
    assert list(trial.params) == ["rate", "width", "family"]
    assert list(trial_epochs(trial)) == [1]
    assert trial.intermediate_values == {1: trial_epochs(trial)[1]["val_accuracy"]}


def test_overdue_trial_is_ended(tmp_path):
    def endless(task, session):
        while True:
            yield None

    workplace = Workplace(tmp_path, slots=1)
    workplace.supervisor(ScriptedExecutor(endless), 1, trial_timeout_seconds=0.05).run()
    (trial,) = workplace.ledger.trials()
    assert trial_attributes(trial)["reason"] == "timed out"


def test_no_trial_starts_after_the_timeout_and_running_ones_finish(tmp_path):
    workplace = Workplace(tmp_path, slots=2)
    supervisor = workplace.supervisor(ScriptedExecutor(), 1000, timeout_seconds=0.2)
    assert not supervisor.run()
    trials = workplace.ledger.trials()
    assert 0 < len(trials) < 1000
    assert all(trial.state.name == "COMPLETE" for trial in trials)


class InterruptingListener(StudyListener):
    def __init__(self, signals):
        self.signals, self.stops = signals, []

    def epoch_ended(self, number, report):
        if number == 2 and self.signals:
            signal.raise_signal(self.signals.pop())

    def stopping(self, *, now):
        self.stops.append(now)


def test_first_interrupt_lets_running_trials_finish(tmp_path):
    workplace = Workplace(tmp_path, slots=2)
    listener = InterruptingListener([signal.SIGINT])
    assert not workplace.supervisor(ScriptedExecutor(), 20, listener=listener).run()
    assert listener.stops == [False]
    states = [trial.state.name for trial in workplace.ledger.trials()]
    assert set(states) == {"COMPLETE"}
    assert 3 <= len(states) <= 5


@pytest.mark.parametrize("signals", [[signal.SIGINT, signal.SIGINT], [signal.SIGTERM]])
def test_second_interrupt_or_termination_stops_now_and_can_be_resumed(tmp_path, signals):
    workplace = Workplace(tmp_path, slots=2)
    assert not workplace.supervisor(ScriptedExecutor(), 8, listener=InterruptingListener(signals)).run()
    assert "RUNNING" in [trial.state.name for trial in workplace.ledger.trials()]
    assert workplace.supervisor(ScriptedExecutor(), 8).run()
    assert [trial.state.name for trial in workplace.ledger.trials()] == ["COMPLETE"] * 8


def test_contradicting_parameter_fails_the_trial_with_its_name(tmp_path):
    def contradicts(task, session):
        choices = ("a", "b") if task.number == 0 else ("a", "c")
        parameter = Parameter("kind", "categorical", choices=choices)
        try:
            session.suggest(parameter)
        except ValueError as error:
            yield TrialOutcome("failed", "exception: SuggestionError", str(error))
        yield from train(task, session)

    workplace = Workplace(tmp_path, slots=1)
    workplace.supervisor(ScriptedExecutor(contradicts), 2).run()
    second = trial_attributes(workplace.ledger.trials()[1])
    assert "Parameter 'kind' cannot be explored" in second["message"]
