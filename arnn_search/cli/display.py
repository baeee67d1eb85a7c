"""The progress of a study in the terminal: a live table, plain lines, or nothing."""

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from arnn_search.cli.tables import (
    STATE_STYLES,
    counts_text,
    leaderboard_table,
    number,
    parameter_text,
    test_score_text,
)
from arnn_search.studies.listener import StudyListener
from arnn_search.trials.channel import EpochReport
from arnn_search.trials.outcome import TrialOutcome

if TYPE_CHECKING:
    from arnn_search.studies.study import Study

_SPARKS = "▁▂▃▄▅▆▇█"
_NARROW = 100


@dataclass
class _Row:
    number: int
    slot: str
    attempt: int
    started: float = field(default_factory=time.monotonic)
    family: str = ""
    candidates: int = 0
    epoch: int = 0
    first_epoch: int = 0
    value: float | None = None
    health: float | None = None
    gradients: str = ""


class Display(StudyListener, AbstractContextManager["Display"]):
    """What every display does: the lines before the first trial, and the result after the last.

    Args:
        console: where to print.
        result: whether to print leaderboard and next commands after the last trial.
    """

    def __init__(self, console: Console, *, result: bool = True) -> None:
        self.console, self._result = console, result
        self.metric, self.epochs, self.total = "", 0, 0
        self._rows: dict[int, _Row] = {}
        self._done = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is open."""

    def study_started(self, study: "Study", *, num_slots: int, num_done: int) -> None:
        config = study.config
        self.metric, self.epochs, self.total, self._done = (
            study.metric,
            config.epochs,
            config.trials,
            num_done,
        )
        slots = "one trial at a time" if num_slots == 1 else f"{num_slots} trials at a time"
        done = f", {num_done} done already" if num_done else ""
        goals = ", ".join(f"{direction} {name}" for name, direction in study.objectives.items())
        self.console.print(
            f"Study [bold]{study.name}[/]: {study.attributes['space']} on {study.attributes['data']}, "
            f"{config.trials} trials{done}, {slots}, {goals}."
        )

    def trial_started(self, number: int, *, attempt: int, slot: str) -> None:
        self._rows[number] = _Row(number, slot, attempt)

    def trial_built(self, number: int, *, parameters: Mapping[str, Any], num_parameters: int) -> None:
        self._rows[number].family = str(parameters.get("family", ""))

    def candidate_ended(self, number: int, loss: float) -> None:
        row = self._rows[number]
        row.candidates += 1
        row.family = f"{row.candidates} tried"

    def trial_resumed(self, number: int, *, epoch: int) -> None:
        self._rows[number].epoch = self._rows[number].first_epoch = epoch
        self.console.print(f"trial {number:>3}  goes on after epoch {epoch}", style="dim")

    def trial_warned(self, number: int, message: str) -> None:
        self.console.print(f"trial {number:>3}  {message}", style="yellow", markup=False)

    def epoch_ended(self, number: int, report: EpochReport) -> None:
        row = self._rows[number]
        row.epoch = report.epoch
        row.value = report.metrics.get(self.metric)
        row.health = report.metrics.get("health/score")
        row.gradients = spark_line(
            [value for name, value in report.metrics.items() if name.startswith("gradient_rms/")]
        )

    def trial_ended(self, number: int, outcome: TrialOutcome, *, value: float | None, again: bool) -> None:
        self._rows.pop(number, None)
        if not again:
            self._done += 1

    def stopping(self, *, now: bool) -> None:
        text = "Stopping now." if now else "Finishing the running trials (Ctrl-C once more ends them)."
        self.console.print(f"[yellow]{text}[/]")

    def waiting(self, reason: str | None) -> None:
        text = (
            "Going on."
            if reason is None
            else f"Waiting, since {reason}. Nothing is lost: trials go on as soon as that is mended."
        )
        self.console.print(f"[yellow]{text}[/]")

    def imported(self, study: str, *, num_trials: int, misfits: Sequence[str]) -> None:
        self.console.print(f"{num_trials} trials of {study} are known from the start.")
        for misfit in misfits:
            self.console.print(f"Not used: {misfit}.", style="yellow", markup=False)

    def exhausted(self, *, num_trials: int) -> None:
        self.console.print(f"[yellow]Nothing is left to propose after {num_trials} trials.[/]")

    def study_ended(self, study: "Study", *, farewell: str | None) -> None:
        if self._result:
            self._print_result(study, farewell=farewell)

    def _print_result(self, study: "Study", *, farewell: str | None) -> None:
        trials = study.trials
        if leaders := study.leaderboard:
            self.console.print(leaderboard_table(study, leaders))
            best = study.best_trial
            self.console.print(f"Best: trial {best.number}: {parameter_text(best.parameters)}.", markup=False)
        self.console.print(f"{len(trials)} of {study.config.trials} trials: {counts_text(study.counts)}.")
        if test := test_score_text(study):
            self.console.print(test, markup=False)
        failures = [trial for trial in trials if trial.state == "failed"]
        for trial in failures[:3]:
            self.console.print(f"[red]Trial {trial.number} failed:[/] ", end="")
            self.console.print(trial.message or trial.reason, markup=False)
        uri = study.attributes.get("tracking_uri")
        if uri:
            self.console.print(f"MLflow: {uri}, experiment {study.config.experiment}.", soft_wrap=True)
        if farewell:
            self.console.print(farewell, style="yellow", markup=False)
        self.console.print("Next:")
        for command in next_commands(study):
            self.console.print(f"  {command}", markup=False, highlight=False)


class PlainDisplay(Display):
    """One line per event, for logs and pipes."""

    def preparing(self, what: str) -> None:
        self.console.print(f"{what} ...")

    def trial_ended(self, number: int, outcome: TrialOutcome, *, value: float | None, again: bool) -> None:
        row = self._rows.get(number)
        super().trial_ended(number, outcome, value=value, again=again)
        self.console.print(
            _ended_text(row, number, outcome, value, self.metric, again=again).plain,
            markup=False,
            soft_wrap=True,
        )


class LiveDisplay(Display):
    """A table of the running trials under the last ended ones, redrawn four times a second at most."""

    def __init__(self, console: Console, *, result: bool = True) -> None:
        super().__init__(console, result=result)
        self._live = Live(console=console, refresh_per_second=4, auto_refresh=False, transient=True)
        self._drawn, self._done_before = 0.0, 0
        self._started = time.monotonic()

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def preparing(self, what: str) -> None:
        # Only here something must move while the supervisor's thread waits.
        self._live.auto_refresh = True
        self._live.stop()
        self._live = Live(
            Spinner("dots", f"{what} ..."), console=self.console, refresh_per_second=8, transient=True
        )
        self._live.start()

    def study_started(self, study: "Study", *, num_slots: int, num_done: int) -> None:
        self._live.stop()
        super().study_started(study, num_slots=num_slots, num_done=num_done)
        self._started = time.monotonic()
        self._done_before = num_done
        self._live = Live(console=self.console, auto_refresh=False, transient=True)
        self._live.start()

    def trial_ended(self, number: int, outcome: TrialOutcome, *, value: float | None, again: bool) -> None:
        row = self._rows.get(number)
        super().trial_ended(number, outcome, value=value, again=again)
        self._live.console.print(_ended_text(row, number, outcome, value, self.metric, again=again))
        self._draw()

    def epoch_ended(self, number: int, report: EpochReport) -> None:
        super().epoch_ended(number, report)
        self._draw()

    def tick(self) -> None:
        if time.monotonic() - self._drawn > 0.5:
            self._draw()

    def study_ended(self, study: "Study", *, farewell: str | None) -> None:
        self._live.stop()
        super().study_ended(study, farewell=farewell)

    def _draw(self) -> None:
        now = time.monotonic()
        if now - self._drawn < 0.1:
            return
        self._drawn = now
        is_narrow = self.console.width < _NARROW
        table = Table(header_style="bold", box=None, pad_edge=False, padding=(0, 1 if is_narrow else 2, 0, 0))
        columns = ("trial", "family", "epoch", "", self.metric, "health", "gradients", "device", "time left")
        for column in (*columns, *([] if is_narrow else ["so far"])):
            table.add_column(column, no_wrap=True)
        for row in self._rows.values():
            cells = (
                str(row.number),
                row.family,
                f"{row.epoch}/{self.epochs}",
                ProgressBar(total=self.epochs, completed=row.epoch, width=6 if is_narrow else 12),
                number(row.value),
                number(row.health, digits=2),
                row.gradients,
                row.slot,
                self._time_left(row, now),
            )
            table.add_row(*cells, *([] if is_narrow else [f"{now - row.started:.0f} s"]))
        self._live.update(Group(table, Text(self._budget_line(now), style="dim")), refresh=True)

    def _budget_line(self, now: float) -> str:
        line = f"{self._done} of {self.total} trials"
        running = sum((row.epoch - row.first_epoch) / max(self.epochs, 1) for row in self._rows.values())
        trained, left = self._done - self._done_before + running, self.total - self._done - running
        if trained > 0 and left > 0:
            line += f", about {_duration((now - self._started) / trained * left)} left"
        return line

    def _time_left(self, row: _Row, now: float) -> str:
        """Of a trial that goes on to its last epoch as it has begun."""
        trained = row.epoch - row.first_epoch
        return _duration((now - row.started) / trained * (self.epochs - row.epoch)) if trained else "-"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def make_display(*, quiet: bool, to_stderr: bool = False, result: bool = True) -> Display:
    """The display that fits the terminal: live, plain lines where the output is no terminal, or none."""
    console = Console(stderr=to_stderr, quiet=quiet, highlight=False)
    kind = LiveDisplay if console.is_terminal and not quiet else PlainDisplay
    return kind(console, result=result)


def spark_line(values: list[float]) -> str:
    """Gradients from first to last layer on a logarithmic scale, four decades high."""
    if not values:
        return ""
    import math

    logs = [math.log10(max(value, 1e-20)) if value == value else -20.0 for value in values]
    top = max(logs)
    levels = (max(0, min(7, round(7 + (log - top) * 7 / 4))) for log in logs)
    return "".join(_SPARKS[level] for level in levels)


def next_commands(study: "Study") -> list[str]:
    """Three commands that are likely to be of use now."""
    more = max(study.config.trials * 2, len(study.trials) * 2)
    finished = len([trial for trial in study.trials if trial.state not in ("running", "interrupted")])
    go_on = (
        f"arnn-search resume {study.name}"
        if finished < study.config.trials
        else f"arnn-search resume {study.name} --trials {more}"
    )
    look = (
        f"arnn-search dashboard {study.name}"
        if study.attributes.get("tracking_uri")
        else f"arnn-search status {study.name}"
    )
    if not study.leaderboard:
        return [f"arnn-search status {study.name}", look, go_on]
    return [look, f"arnn-search export {study.name} --out best.keras", go_on]


def _ended_text(
    row: _Row | None, trial: int, outcome: TrialOutcome, value: float | None, metric: str, *, again: bool
) -> Text:
    text = Text(f"trial {trial:>3}  ")
    text.append(f"{outcome.state:<10}", style=STATE_STYLES.get(outcome.state, ""))
    text.append(f" {metric} {number(value)}")
    if row is not None:
        text.append(f"  health {number(row.health, digits=2)}  {row.gradients}  {row.family}")
        text.append(f"  {row.epoch} epochs  {time.monotonic() - row.started:.1f} s  {row.slot}", style="dim")
    if outcome.state != "completed":
        text.append(f"  {outcome.reason}: {outcome.message}" if outcome.message else f"  {outcome.reason}")
    if again:
        text.append("  (runs again)", style="yellow")
    return text
