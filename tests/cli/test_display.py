import io
import math
import time

import pytest
from rich.console import Console

from arnn_search.cli.display import LiveDisplay, PlainDisplay, make_display, spark_line
from arnn_search.trials.channel import EpochReport
from arnn_search.trials.outcome import TrialOutcome


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ([1.0, 1e-4, 1e-2], "█▁▅"),
        ([1e-3], "█"),
        ([1.0, 0.0, math.nan], "█▁▁"),
        ([], ""),
    ],
)
def test_spark_line_is_four_decades_high(values, line):
    assert spark_line(values) == line


def _feed(display):
    display.metric, display.epochs, display.total = "val_accuracy", 3, 2
    display.trial_started(4, attempt=1, slot="cpu:0")
    display.trial_built(4, parameters={"family": "ar"}, num_parameters=10)
    metrics = {"val_accuracy": 0.75, "health/score": 0.5, "gradient_rms/00_a": 1.0, "gradient_rms/01_b": 0.1}
    display.epoch_ended(4, EpochReport(1, metrics, 1.0))


def test_plain_display_says_one_line_for_each_trial():
    console = Console(file=io.StringIO(), width=200)
    display = PlainDisplay(console)
    _feed(display)
    display.trial_ended(
        4, TrialOutcome("pruned", "pruner", "Stopped after epoch 1."), value=0.75, again=False
    )
    (line,) = console.file.getvalue().splitlines()
    for word in ("trial   4", "pruned", "val_accuracy 0.7500", "health 0.50", "ar", "cpu:0", "Stopped after"):
        assert word in line


def test_attempt_that_runs_again_is_said():
    console = Console(file=io.StringIO(), width=200)
    display = PlainDisplay(console)
    _feed(display)
    display.trial_ended(4, TrialOutcome("failed", "killed by signal 9"), value=None, again=True)
    assert "(runs again)" in console.file.getvalue()


@pytest.mark.parametrize("width", [80, 120])
def test_live_display_shows_the_running_trials(width):
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    with LiveDisplay(console) as display:
        _feed(display)
        display._rows[4].started = display._started = time.monotonic() - 10
        display._drawn = 0.0
        display._draw()
    shown = console.file.getvalue()
    # A third of the first trial took 10 s, so there are 20 s of it left, and 50 s of both.
    for word in ("val_accuracy", "gradients", "0.7500", "1/3", "0 of 2 trials, about 50 s left", " 20 s"):
        assert word in shown
    assert "…" not in shown


def test_candidates_of_a_trial_are_counted():
    console = Console(file=io.StringIO(), width=120, force_terminal=True, color_system=None)
    with LiveDisplay(console) as display:
        display.trial_started(4, attempt=1, slot="cpu:0")
        display.candidate_ended(4, 2.3)
        display.candidate_ended(4, 1.9)
        display._drawn = 0.0
        display._draw()
        display.trial_built(4, parameters={"family": "ar"}, num_parameters=10)
        assert display._rows[4].family == "ar"
    assert "2 tried" in console.file.getvalue()


def test_trial_that_goes_on_from_a_checkpoint_is_not_faster_than_it_is():
    console = Console(file=io.StringIO(), width=120, force_terminal=True, color_system=None)
    display = LiveDisplay(console)
    _feed(display)
    display.trial_started(5, attempt=2, slot="cpu:1")
    display.trial_resumed(5, epoch=1)
    display.epoch_ended(5, EpochReport(2, {}, 1.0))
    row = display._rows[5]
    assert display._time_left(row, row.started + 10) == "10 s"


def test_output_that_is_no_terminal_gets_plain_lines():
    assert isinstance(make_display(quiet=False), PlainDisplay)
    assert make_display(quiet=True).console.quiet
