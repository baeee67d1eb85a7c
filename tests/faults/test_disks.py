"""Files that cannot be written, or lost their end. Each test says what was lost."""

import os

import pytest

from arnn_search.studies.ledger import trial_attributes

from .study_under_test import is_alive, until

_WITHOUT_PRIVILEGE = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search,-fowner"]
"""To root files are no more than to their owner."""

pytestmark = pytest.mark.timeout(1200)


def test_full_disk_under_the_ledger_costs_nothing(new_study):
    study = new_study()
    study.order(1, 2, "wait")
    study.start()
    study.reached(1, 2)
    study.set("full", "*ledger.journal")
    study.go_on(1, 2)
    until(lambda: "Waiting, since the disk is full" in study.said(), "it waits")
    study.unset("full")
    assert study.end() == 0
    assert "Going on." in study.said()
    assert study.trained_again() == []
    study.check()


def test_full_disk_under_the_ledger_that_ends_with_the_supervisor_costs_the_running_epochs(new_study):
    study = new_study()
    study.order(1, 2, "wait")
    command = study.start()
    study.reached(1, 2)
    study.set("full", "*ledger.journal")
    study.go_on(1, 2)
    until(lambda: "Waiting, since the disk is full" in study.said(), "it waits")
    command.kill()
    study.end()
    study.unset("full")
    study.check()
    # Whatever was trained is in checkpoints, though the ledger has not heard of it.
    assert study.trained_again() == []


def test_full_disk_under_the_checkpoints_costs_nothing_unless_a_trial_dies(new_study):
    study = new_study()
    study.set("full", "*checkpoint.npz")
    study.order(1, 3, "die")
    assert study.run() == 0
    assert "checkpoint failed" in study.said()
    assert study.trained_again() == [(1, 1), (1, 2), (1, 3)]
    assert trial_attributes(study.ledger().trials()[0])["checkpoint_failed"].startswith(
        "[Errno 28] No space left on device"
    )
    study.unset("full")
    study.check()


def test_full_disk_under_the_spool_costs_nothing(new_study):
    study = new_study()
    study.order(1, 2, "wait")
    study.order(3, 2, "wait")  # the study goes on until there is room again
    study.start()
    study.reached(1, 2)
    study.reached(3, 2)
    study.set("full", "*spool.jsonl")
    study.go_on(1, 2)
    until(lambda: study.states()[1:2] == ["completed"], "the trial has ended without it")
    study.unset("full")
    study.go_on(3, 2)
    assert study.end() == 0
    assert study.trained_again() == []
    study.check()


def test_ledger_cut_off_in_its_last_record_costs_the_running_epoch(new_study):
    study = new_study(workers=1)
    study.order(2, 3, "wait")
    command = study.start()
    trial = study.reached(2, 3)
    command.kill()
    study.end()
    until(lambda: not is_alive(trial), "the trial has ended")
    path = study.directory / "ledger.journal"
    lines = path.read_bytes().splitlines(keepends=True)
    assert b"epoch:00002" in lines[-1]
    path.write_bytes(b"".join(lines)[:-20])
    study.check()
    # The epoch that the ledger lost is in the trial's checkpoint.
    assert study.trained_again() == [(2, 3)]


def test_folder_that_cannot_be_written_is_named_before_anything_starts(new_study):
    study = new_study()
    study.prefix = _as_nobody_special()
    study.studies.chmod(0o555)
    assert study.run() == 2
    assert "cannot be written: Permission denied" in study.said()
    study.studies.chmod(0o755)
    assert not study.directory.exists()
    assert study.run() == 0
    study.check()
    assert study.trained_again() == []


def test_folder_that_turns_read_only_costs_the_running_epochs(new_study):
    study = new_study()
    study.order(0, 3, "wait")  # both slots are held: no other trial has its folder yet
    study.order(1, 3, "wait")
    study.prefix = _as_nobody_special()
    study.start()
    study.reached(0, 3)
    study.reached(1, 3)
    (study.directory / "trials").chmod(0o555)
    study.go_on(0, 3)
    study.go_on(1, 3)
    assert study.end() == 2
    assert "Permission denied" in study.said()
    assert "Traceback" not in study.said()
    (study.directory / "trials").chmod(0o755)
    study.check()
    assert study.trained_again() == []


def _as_nobody_special():
    """What a command begins with for permissions to hold also if the tests are root's."""
    return _WITHOUT_PRIVILEGE if os.getuid() == 0 else []
