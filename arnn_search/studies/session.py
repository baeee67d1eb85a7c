"""The supervisor's side of one attempt at a trial: answers suggestions, writes down reports, judges them."""

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from optuna.trial import FrozenTrial
from optuna.trial import TrialState as LedgerState

from arnn_search.errors import StudyError
from arnn_search.execution.slots import Slot
from arnn_search.spaces.parameters import Parameter, Value
from arnn_search.studies.admission import BELOW_MIN_HEALTH, TRAIN, Admission
from arnn_search.studies.checkpoints import CheckpointStore
from arnn_search.studies.deaths import count_death
from arnn_search.studies.draft import Draft
from arnn_search.studies.ledger import LedgerTrial, trial_attribute, trial_epochs, trial_times
from arnn_search.studies.listener import StudyListener
from arnn_search.studies.objectives import Objectives
from arnn_search.studies.out_of_memory import record_out_of_memory
from arnn_search.studies.pareto_pruning import ParetoRule
from arnn_search.studies.patience import passing_reason
from arnn_search.studies.racing import Racing
from arnn_search.studies.telling import milliseconds_now, tell_built, tell_end, tell_probed, tell_start
from arnn_search.trials.channel import Built, EpochReport, FirstSteps, RungReport, SuggestionError, Verdict
from arnn_search.trials.checkpoint import remove_checkpoint
from arnn_search.trials.outcome import DIVERGED, OUT_OF_MEMORY, TrialOutcome
from arnn_search.trials.placement import Placement
from arnn_search.trials.task import TrialTask

if TYPE_CHECKING:
    from arnn_search.tracking import NullTracker, Tracker

_LEDGER_STATES = {
    "completed": LedgerState.COMPLETE,
    "pruned": LedgerState.PRUNED,
    "failed": LedgerState.FAIL,
    # To Optuna's samplers a failed trial says nothing; one that breaks a limit says where not to go.
    "infeasible": LedgerState.PRUNED,
}


class Session:
    """One attempt at one trial.

    Args:
        task: what the trial was told.
        slot: where it runs.
        draft: what it is built from: the engine's proposals, and how many of them compete.
        admission: decides what becomes of what was built.
        evaluated: finds a trial with a result by its architecture.
        trial: the ledger's, which is written to.
        objectives: what the trial is scored by.
        rule: stops it early where there are several objectives; None if nothing does.
        racing: says whether it goes on from a rung of its first steps.
        tracker: MLflow.
        listener: the progress display.
        checkpoints: where the trial's checkpoints are kept beyond its folder.
        retries: how often a trial may be run again.
        on_end: called when the attempt has ended, with whether it is to be run again.
    """

    def __init__(
        self,
        task: TrialTask,
        slot: Slot,
        *,
        draft: Draft,
        admission: Admission,
        evaluated: Callable[[str], FrozenTrial | None],
        trial: LedgerTrial,
        objectives: Objectives,
        rule: ParetoRule | None,
        racing: Racing,
        tracker: "Tracker | NullTracker",
        listener: StudyListener,
        checkpoints: CheckpointStore,
        retries: int,
        on_end: Callable[["Session", bool], None],
    ) -> None:
        self.task, self.slot = task, slot
        self.started = time.monotonic()
        self.outcome_reason = ""
        self._draft, self._trial, self._tracker, self._listener = draft, trial, tracker, listener
        self._retries, self._on_end = retries, on_end
        self._admission, self._evaluated = admission, evaluated
        self._checkpoints, self._checkpoint_problem = checkpoints, ""
        self._objectives, self._rule, self._racing = objectives, rule, racing
        self._built: Built | None = None
        self._competing: Built | None = None
        self._best: tuple[float, int] | None = None
        self._best_metrics: Mapping[str, float] = {}
        self._seconds = 0.0
        heard, self._recorded = tracker.heard(task.number), trial_epochs(trial.recorded)
        self._known = {epoch: _compact(one.metrics) for epoch, one in heard.items()} | self._recorded
        self._times = {epoch: one.milliseconds for epoch, one in heard.items()} | trial_times(trial.recorded)
        self._told_again: list[EpochReport] = []
        trial.set_attribute("attempt", task.attempt)
        trial.set_attribute("seed", task.seed)
        trial.set_attribute("device", slot.name)
        trial.set_attribute("started", time.time())
        if draft.proposal.opening:
            trial.set_attribute("opening", draft.proposal.opening)
        tell_start(tracker, trial.recorded)
        listener.trial_started(task.number, attempt=task.attempt, slot=slot.name)

    def suggest(self, parameter: Parameter) -> Value:
        """Asks the engine. Its answer is written down when the trial has been built and is admitted."""
        with _contradictions_named(parameter):
            value = self._draft.suggest(parameter)
            self._trial.check(parameter, value)
        return value

    def built(self, built: Built) -> Verdict:
        """Decides what becomes of what the trial has built, and writes it down."""
        draft = self._draft
        if draft.winner is not None:  # it was admitted before: what was measured then is what counts
            built, decision = draft.winner, TRAIN
        else:
            decision = self._admission.judge(
                built, self._evaluated, tries=draft.resampled, can_resample=draft.can_resample
            )
        if draft.competes:
            if decision.action == "train":
                self._competing = built
                return Verdict(candidate_steps=draft.contest.steps)
            if draft.note():
                return Verdict(build_again=True)
        if decision.action == "resample":
            draft.resample()
            return Verdict(build_again=True)
        self._built = built
        self._write_values()
        self._write_built(built)
        if decision.action == "refuse":
            if decision.source is not None:
                self._trial.set_constraints(decision.source.constraints)
            return Verdict(outcome=TrialOutcome("infeasible", decision.reason, decision.message))
        if decision.source is not None:
            return Verdict(outcome=self._taken_over(decision.source, decision.message))
        return Verdict()

    def competed(self, report: FirstSteps) -> bool:
        """Notes how a candidate has done; whether the next one, or the best, is to be built now."""
        if not self._draft.competes:
            return False
        if report.loss is None:
            self._listener.trial_warned(self.task.number, f"one candidate less: {report.problem}")
            return self._draft.note()
        self._listener.candidate_ended(self.task.number, report.loss)
        return self._draft.note(self._competing, report.loss)

    def probed(self, metrics: Mapping[str, float]) -> TrialOutcome | None:
        """Writes the health at initialisation down; answers whether it is reason enough not to train."""
        if (known := trial_attribute(self._trial.recorded, "initial_health")) != dict(metrics):
            if known is not None:
                self._begin_anew(0)
            self._trial.set_attribute("initial_health", dict(metrics))
            self._trial.set_attribute("probed", milliseconds_now())
        self._trial.set_constraints(self._admission.initial_constraints(metrics))
        tell_probed(self._tracker, self._trial.recorded)
        outcome = self._admission.judge_probed(metrics)
        if outcome is not None:
            self._lose_race()
        return outcome

    def raced(self, report: RungReport) -> str | None:
        """Writes the training loss at a rung down; answers why to stop there, or None."""
        goes_on = self._racing.goes_on(report.step, report.loss)
        self._trial.set_attribute("race", self._racing.record())
        return None if goes_on else "race"

    def _lose_race(self) -> None:
        self._racing.lose()
        if record := self._racing.record():
            self._trial.set_attribute("race", record)

    def checkpoint(self, path: Path, epoch: int) -> None:
        """Keeps the file where another machine finds it; if that fails, it is said once and goes on."""
        if self._trial.is_taken_over:
            return
        try:
            self._checkpoints.keep(self.task.number, path, epoch)
        except Exception as error:
            problem = passing_reason(error) or str(error)
            if not isinstance(error, (StudyError, OSError)) and passing_reason(error) is None:
                raise
            if problem != self._checkpoint_problem:
                self._checkpoint_problem = problem
                self.event("checkpoint failed", {"reason": problem})

    def event(self, name: str, details: Mapping[str, Any]) -> None:
        """Writes down after which epoch a trial goes on, or why it does not."""
        if name == "resumed":
            self._racing.resume(trial_attribute(self._trial.recorded, "race") or {})
            self._trial.set_attribute("resumed_after", details["epoch"])
            self._tracker.set_tags(self.task.number, {"arnn.resumed_after": details["epoch"]})
            self._listener.trial_resumed(self.task.number, epoch=details["epoch"])
        elif name in ("checkpoint ignored", "checkpoint failed"):
            self._trial.set_attribute(name.replace(" ", "_"), details["reason"])
            self._listener.trial_warned(self.task.number, f"{name}: {details['reason']}")

    def _write_values(self) -> None:
        while self._draft.unwritten:
            parameter = self._draft.unwritten.pop(0)
            with _contradictions_named(parameter):
                self._trial.record(parameter, self._draft.values[parameter.name])

    def _write_built(self, built: Built) -> None:
        self._trial.set_attribute("architecture", built.architecture)
        self._trial.set_constraints(self._admission.constraints(built))
        if built.latency_ms is not None:
            self._trial.set_attribute("latency_ms", built.latency_ms)
        if built.training_bytes is not None:
            self._trial.set_attribute("training_bytes", built.training_bytes)
        if self._draft.resampled:
            self._trial.set_attribute("resampled", self._draft.resampled)
        if self._draft.candidates:
            self._trial.set_attribute("candidates", self._draft.record())
        # The last one: it says to others that everything is written.
        self._trial.set_attribute("num_parameters", built.num_parameters)
        tell_built(self._tracker, self._trial.recorded)
        self._listener.trial_built(
            self.task.number, parameters=dict(self._draft.values), num_parameters=built.num_parameters
        )

    def _write_what_was_asked_for(self) -> None:
        """What a trial was about to build is part of why it was not built."""
        with contextlib.suppress(SuggestionError):  # which has been said
            self._write_values()
        if self._built is not None:
            return
        self._tracker.log_params(self.task.number, self._draft.values)
        if family := str(self._draft.values.get("family", "")):
            self._tracker.set_tags(self.task.number, {"arnn.family": family})

    def _taken_over(self, source: FrozenTrial, message: str) -> TrialOutcome:
        """Gives the trial the epochs of another one of the same architecture."""
        self._trial.set_attribute("reused", source.number)
        for epoch, metrics in trial_epochs(source).items():
            self.report(EpochReport(epoch, metrics, trial_attribute(source, "training_seconds", 0.0)))
        # Of one that is infeasible for its health the same is found out again.
        state: Literal["completed", "pruned"] = (
            "pruned" if source.state == LedgerState.PRUNED else "completed"
        )
        return TrialOutcome(state, "reused", message)

    def report(self, report: EpochReport) -> str | None:
        """Writes an epoch down; answers with the reason to prune, or None."""
        if self._trial.is_taken_over:
            return "taken over"
        value = report.metrics.get(self.task.metric)
        compact = _compact(report.metrics)
        several = len(self._objectives.items) > 1
        self._write_epoch(report.epoch, None if several else value, compact)
        self._track(report)
        self._listener.epoch_ended(self.task.number, report)
        if value is None or not math.isfinite(value):
            return None
        if self._best is None or (
            value > self._best[0] if self.task.direction == "maximize" else value < self._best[0]
        ):
            self._best, self._best_metrics = (value, report.epoch), compact
        self._seconds = report.seconds
        return "pruner" if self._should_prune(report, value, several=several) else None

    def _write_epoch(self, epoch: int, value: float | None, metrics: Mapping[str, float]) -> None:
        """Writes an epoch, unless an earlier attempt has reported it with the same numbers."""
        finite = {name: number for name, number in metrics.items() if math.isfinite(number)}
        if self._known.get(epoch, finite) != finite:
            self._begin_anew(epoch)
        if epoch not in self._recorded:
            when = self._times.setdefault(epoch, milliseconds_now())
            self._trial.report(epoch, value, metrics, milliseconds=when)

    def _track(self, report: EpochReport) -> None:
        """Logs an epoch with its time in the ledger: MLflow takes one that it has heard of for the same."""
        if report.epoch in self._times:
            self._tracker.log_metrics(
                self.task.number, report.metrics, report.epoch, milliseconds=self._times[report.epoch]
            )
        if self._known:
            self._told_again.append(report)

    def _begin_anew(self, epoch: int) -> None:
        """Takes back what an earlier attempt has reported from an epoch on, which has other numbers now."""
        for later in [known for known in self._known if known >= epoch]:
            if self._recorded.pop(later, None) is not None:
                self._trial.forget(later)
            del self._known[later]
            self._times.pop(later, None)
        self._tracker.discard_trial(self.task.number)
        tell_start(self._tracker, self._trial.recorded)
        tell_built(self._tracker, self._trial.recorded)
        if epoch:
            tell_probed(self._tracker, self._trial.recorded)
        earlier, self._told_again = self._told_again, []
        for report in earlier:
            self._track(report)

    def _should_prune(self, report: EpochReport, value: float, *, several: bool) -> bool:
        if several:
            values = self._objectives.values(report.metrics, built=self._built, seconds=report.seconds)
            if values is None or not all(map(math.isfinite, values)):
                return False
            self._trial.set_rung(report.epoch, values)
            return (
                report.epoch < self.task.epochs
                and self._rule is not None
                and self._rule.should_prune(report.epoch, values)
            )
        return report.epoch < self.task.epochs and self._draft.proposal.should_prune(report.epoch, value)

    def finish(self, outcome: TrialOutcome) -> None:
        """Writes the end down, unless the trial is to be run again."""
        if self._trial.is_taken_over:  # by a supervisor that took this one for lost: it writes the end
            self._listener.trial_ended(self.task.number, outcome, value=None, again=False)
            self._on_end(self, False)
            return
        self.outcome_reason = outcome.reason
        again = outcome.retry and count_death(self._trial) <= self._retries
        if outcome.reason == OUT_OF_MEMORY:
            outcome, again = self._out_of_memory(outcome)
        # Until the winner of a contest is built nothing is settled: the next attempt begins with the contest.
        if not (again and self._draft.is_contest and self._built is None):
            self._write_what_was_asked_for()
        value = self._best[0] if self._best else None
        if outcome.state == "pruned" or outcome.reason == DIVERGED:
            self._lose_race()
        if outcome.state == "completed":
            outcome = self._judged() or outcome
        self._write_outcome(outcome)
        if not again:
            self._end(outcome)
        self._listener.trial_ended(self.task.number, outcome, value=value, again=again)
        self._on_end(self, again)

    def _out_of_memory(self, outcome: TrialOutcome) -> tuple[TrialOutcome, bool]:
        """The end of a trial that took too much memory, with its size, and whether it is tried with less."""
        replicas = Placement.of(self.slot.environment).replicas
        outcome, halved = record_out_of_memory(
            self._trial, self.task, outcome, built=self._built, replicas=replicas
        )
        if halved is not None:
            self._remove_checkpoint()  # of another batch size it is of no use
            self._tracker.set_tags(self.task.number, {"arnn.batch_size": halved})
        return outcome, halved is not None

    def _judged(self) -> TrialOutcome | None:
        """The end of a trial that has completed, if it has no score or does not keep the limit on health."""
        if self._values() is None:
            known = ", ".join(self._best_metrics) or "nothing"
            message = f"Not every objective was reported as a finite number; there were {known}."
            return TrialOutcome("failed", "no score", message)
        return self._admission.judge_trained(self._best_metrics)

    def _write_outcome(self, outcome: TrialOutcome) -> None:
        self._trial.set_attribute("state", outcome.state)
        self._trial.set_attribute("reason", outcome.reason)
        self._trial.set_attribute("message", outcome.message)
        if outcome.peak_bytes is not None:
            self._trial.set_attribute("peak_bytes", outcome.peak_bytes)
        if outcome.traceback:
            self._trial.set_attribute("traceback", outcome.traceback[-8000:])

    def _values(self) -> tuple[float, ...] | None:
        """The score in each objective, all of the best epoch; None if one is unknown or no finite number."""
        if self._best is None:
            return None
        values = self._objectives.values(self._best_metrics, built=self._built, seconds=self._seconds)
        return values if values is not None and all(map(math.isfinite, values)) else None

    def _end(self, outcome: TrialOutcome) -> None:
        self._trial.set_attribute("seconds", time.monotonic() - self.started)
        self._trial.set_attribute("training_seconds", self._seconds)
        self._trial.set_attribute("notes", self._draft.proposal.notes)
        if self._best is not None:
            self._trial.set_attribute("best_epoch", self._best[1])
        if self._best_metrics:
            self._trial.set_constraints(self._admission.health_constraint(self._best_metrics))
        values = self._values()
        # One that was trained to its end before it broke a limit has completed, with a constraint violated.
        was_trained = outcome.reason == BELOW_MIN_HEALTH
        self._trial.set_attribute("ended", milliseconds_now())
        self._trial.finish(LedgerState.COMPLETE if was_trained else _LEDGER_STATES[outcome.state], values)
        tell_end(
            self._tracker,
            self._trial.recorded,
            metric=self.task.metric,
            objectives=self._objectives.names,
            gradients=self.task.gradients_path,
        )
        self._remove_checkpoint()

    def _remove_checkpoint(self) -> None:
        remove_checkpoint(self.task.directory)
        with contextlib.suppress(Exception):  # what is left of it does no harm
            self._checkpoints.remove(self.task.number)


def _compact(metrics: Mapping[str, float]) -> dict[str, float]:
    """Without the gradients of single layers, which the ledger does not hold."""
    return {
        name: number for name, number in metrics.items() if not name.startswith(("gradient_rms/", "limit/"))
    }


@contextlib.contextmanager
def _contradictions_named(parameter: Parameter) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise SuggestionError(
            f"Parameter {parameter.name!r} cannot be explored as the space defines it: {error}"
        ) from error
