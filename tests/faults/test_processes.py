"""Processes of a study that are killed, or told to end, or do not end.

Each test says what was lost: the epochs that were trained again.
"""

import os
import signal

import psutil
import pytest

from .study_under_test import EPOCHS, is_alive, until

pytestmark = pytest.mark.timeout(1200)


def test_kill_9_of_a_trial_costs_the_running_epoch(new_study):
    study = new_study()
    study.order(1, 3, "die")
    assert study.run() == 0
    assert study.trained_again() == [(1, 3)]
    study.check()


def test_kill_9_of_the_forkserver_costs_nothing(new_study):
    study = new_study()
    study.order(1, 2, "wait")
    command = study.start()
    trial = psutil.Process(study.reached(1, 2))
    forkserver = trial.parent()
    assert forkserver.ppid() == command.pid
    forkserver.kill()
    until(lambda: not is_alive(forkserver.pid), "it is gone")
    study.go_on(1, 2)
    assert study.end() == 0
    assert study.trained_again() == []
    study.check()


def test_kill_9_of_the_supervisor_costs_the_running_epochs(new_study):
    study = new_study(is_online=True)
    study.order(1, 3, "wait")
    study.order(2, 2, "wait")
    command = study.start()
    trials = [study.reached(1, 3), study.reached(2, 2)]
    until(lambda: study.num_points("val_accuracy") == EPOCHS + 2 + 1, "MLflow has every epoch so far")
    command.kill()
    study.end()
    until(lambda: not any(map(is_alive, trials)), "the trials have ended with their supervisor")
    study.check()
    assert study.trained_again() == [(1, 3), (2, 2)]


def test_supervisor_killed_between_ledger_and_spool_costs_the_running_epoch(new_study):
    study = new_study()
    study.set("full", "*spool.jsonl")  # so nothing gets there, and dies with the supervisor
    study.order(3, 2, "wait")
    command = study.start()
    study.reached(3, 2)
    until(lambda: study.states()[:3] == ["completed"] * 3, "the other trials have ended")
    command.kill()
    study.end()
    study.unset("full")
    study.check(without_layers=[0, 1, 2])
    assert study.trained_again() == [(3, 2)]


def test_attempt_with_other_numbers_replaces_those_of_the_first(new_study):
    study = new_study(is_online=True)
    study.set("no checkpoints")
    study.order(1, 3, "die")
    study.order(1, 2, "other numbers", attempt=2)
    assert study.run() == 0
    assert study.trained_again() == [(1, 1), (1, 2), (1, 3)]
    study.check()


def test_sigterm_costs_the_running_epochs(new_study):
    study = new_study()
    study.order(0, 2, "wait")
    study.order(1, 3, "wait")
    command = study.start()
    trials = [study.reached(0, 2), study.reached(1, 3)]
    os.killpg(command.pid, signal.SIGTERM)  # as Slurm does: all processes of the job
    for trial in trials:
        os.kill(trial, signal.SIGTERM)
    assert study.end() == 0
    assert "Stopping now." in study.said()
    assert not any(map(is_alive, trials))
    assert study.states() == [None, None]
    study.check()
    assert study.trained_again() == [(0, 2), (1, 3)]


def test_first_interrupt_costs_nothing(new_study):
    study = new_study()
    study.order(0, 2, "wait")
    study.order(1, 3, "wait")
    command = study.start()
    study.reached(0, 2)
    study.reached(1, 3)
    os.killpg(command.pid, signal.SIGINT)
    until(lambda: "Finishing the running trials" in study.said(), "it has heard")
    study.go_on(0, 2)
    study.go_on(1, 3)
    assert study.end() == 0
    assert study.states() == ["completed", "completed"]
    study.check()
    assert study.trained_again() == []


def test_second_interrupt_costs_the_running_epochs(new_study):
    study = new_study()
    study.order(0, 2, "wait")
    study.order(1, 3, "wait")
    command = study.start()
    trials = [study.reached(0, 2), study.reached(1, 3)]
    os.killpg(command.pid, signal.SIGINT)
    until(lambda: "Finishing the running trials" in study.said(), "it has heard")
    os.killpg(command.pid, signal.SIGINT)
    assert study.end() == 0
    assert not any(map(is_alive, trials))
    study.check()
    assert study.trained_again() == [(0, 2), (1, 3)]


def test_trial_that_hangs_costs_itself(new_study):
    study = new_study(trial_timeout=3)
    study.order(1, 3, "hang")
    assert study.run() == 0
    assert study.trained_again() == []
    assert not is_alive(study.reached(1, 3))
    study.check(states={1: "failed"}, epochs={1: 2})


def test_trial_that_writes_nan_costs_itself(new_study):
    study = new_study()
    study.order(1, 3, "nan")
    assert study.run() == 0
    assert study.trained_again() == []
    study.check(states={1: "failed"}, epochs={1: 3})


@pytest.mark.parametrize("ended_by", ["itself", "kill -9"])
def test_what_a_trial_has_forked_ends_with_it(new_study, ended_by):
    study = new_study()
    study.order(1, 3, "fork")
    study.start()
    trial = study.reached(1, 3)
    children = study.told("children")
    assert all(map(is_alive, children))
    if ended_by == "itself":
        study.go_on(1, 3)
    else:
        os.kill(trial, signal.SIGKILL)
    assert study.end() == 0
    assert not any(map(is_alive, children))
    assert study.trained_again() == ([] if ended_by == "itself" else [(1, 3)])
    assert study.begun().total() == 4 * EPOCHS + len(study.trained_again())
    study.check()
