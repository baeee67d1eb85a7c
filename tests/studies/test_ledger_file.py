"""The ledger's file: what was cut off is passed over, and a digest gives the same trials."""

import copy
import json
from unittest.mock import Mock

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from arnn_search.errors import StudyError
from arnn_search.studies import ledger_file
from arnn_search.studies.best_models import Progress
from arnn_search.studies.ledger import create_ledger, open_ledger, trial_epochs, trial_times
from arnn_search.studies.patience import Patience
from arnn_search.studies.ranking import rank
from arnn_search.studies.storage import FILE_NAME
from arnn_search.studies.stored_metrics import StoredMetrics

from .scripted import FAMILY, RATE


@pytest.fixture
def filled(tmp_path):
    """A ledger with a completed trial, a running one and a failed one, and its study's folder."""
    ledger = create_ledger(tmp_path, "study")
    ledger.set_attribute("metric", "val_accuracy")
    _add(ledger, 0.5, optuna.trial.TrialState.COMPLETE)
    _add(ledger, 0.1, None)
    _add(ledger, 0.2, optuna.trial.TrialState.FAIL)
    return ledger


def _add(ledger, rate, state):
    trial = ledger.start_trial()
    trial.record(RATE, rate)
    trial.record(FAMILY, "ar")
    trial.set_attribute("architecture", "abc")
    trial.set_constraints({"max_parameters": -0.5})
    trial.report(1, rate, {"loss": 1.0, "val_accuracy": rate}, milliseconds=1)
    if state is not None:
        trial.finish(state, [rate])


def _same(first, second):
    assert first.attributes == second.attributes
    assert first.trials() == second.trials()


def test_file_is_one_that_optuna_reads(filled, tmp_path):
    storage = JournalStorage(JournalFileBackend(str(tmp_path / FILE_NAME)))
    assert optuna.load_study(study_name="study", storage=storage).trials == filled.trials()


def test_digest_gives_the_same_trials_and_what_came_after_it(filled, tmp_path):
    filled.save_digest()
    _same(open_ledger(tmp_path, "study"), filled)
    filled.reopen_trial(1).finish(optuna.trial.TrialState.PRUNED)
    _add(filled, 0.3, optuna.trial.TrialState.COMPLETE)
    filled.set_attribute("metric", "other")
    _same(open_ledger(tmp_path, "study"), filled)
    filled.save_digest()
    resumed = open_ledger(tmp_path, "study")
    _same(resumed, filled)
    _add(resumed, 0.4, optuna.trial.TrialState.COMPLETE)
    resumed.save_digest()
    _same(open_ledger(tmp_path, "study"), resumed)
    assert len((tmp_path / "ledger.ended").read_text().splitlines()) == 5
    assert (tmp_path / "ledger.digest").stat().st_size < (tmp_path / FILE_NAME).stat().st_size


@pytest.mark.parametrize("damage", ["digest", "ended", "other"])
def test_digest_that_does_not_fit_is_done_without(filled, tmp_path, damage):
    filled.save_digest()
    path = tmp_path / ("ledger.ended" if damage == "ended" else "ledger.digest")
    text = path.read_text()
    path.write_text(json.dumps(json.loads(text) | {"ledger": ""}) if damage == "other" else text[:-20])
    _same(open_ledger(tmp_path, "study"), filled)


def test_record_that_was_cut_off_is_passed_over_and_replaced(filled, tmp_path):
    path = tmp_path / FILE_NAME
    whole = path.read_bytes()
    _add(filled, 0.9, None)
    path.write_bytes(whole + path.read_bytes()[len(whole) : len(whole) + 30])
    again = open_ledger(tmp_path, "study")
    assert len(again.trials()) == 3
    _add(again, 0.7, optuna.trial.TrialState.COMPLETE)
    _same(open_ledger(tmp_path, "study"), again)
    assert path.read_bytes().startswith(whole + b"{")


def test_full_disk_leaves_no_part_of_a_record(filled, tmp_path, monkeypatch):
    path, write = tmp_path / FILE_NAME, ledger_file.os.write
    whole = path.read_bytes()
    monkeypatch.setattr(ledger_file.os, "write", lambda file, text: write(file, text[: len(text) // 2]))
    filled.patience = Patience(seconds=0)
    with pytest.raises(StudyError, match=r"stopped, since nothing can be written: the disk is full"):
        filled.set_attribute("metric", "other")
    assert path.read_bytes() == whole
    monkeypatch.undo()
    filled.set_attribute("metric", "other")
    assert open_ledger(tmp_path, "study").attributes["metric"] == "other"


def test_damaged_record_in_the_middle_is_named(filled, tmp_path):
    path = tmp_path / FILE_NAME
    lines = path.read_bytes().splitlines(keepends=True)
    lines[4] = b'{"op_code": 4,\n'
    path.write_bytes(b"".join(lines))
    with pytest.raises(StudyError, match=r"Record 5 of the ledger .* is damaged"):
        open_ledger(tmp_path, "study")


def test_epochs_stay_in_the_file_also_behind_a_digest(filled, tmp_path):
    running = filled.reopen_trial(1)
    running.report(2, 0.3, {"loss": 0.5, "val_accuracy": 0.3}, milliseconds=2)
    running.report(1, 0.2, {"loss": 0.7, "val_accuracy": 0.2}, milliseconds=3)
    running.forget(2)
    filled.save_digest()
    for ledger in (filled, open_ledger(tmp_path, "study")):
        first, second, _ = ledger.trials()
        assert trial_epochs(first) == {1: {"loss": 1.0, "val_accuracy": 0.5}}
        assert trial_epochs(second) == {1: {"loss": 0.7, "val_accuracy": 0.2}}
        assert trial_times(second) == {1: 3}
        epoch = first.user_attrs["arnn:epoch:00001"]
        assert isinstance(epoch, StoredMetrics)
        assert copy.deepcopy(epoch) is epoch
        assert epoch["loss"] == 1.0
    assert '"arnn:epoch:00001":{' not in (tmp_path / "ledger.ended").read_text()


@pytest.fixture
def reads(monkeypatch):
    """The epochs that are read from the file."""
    read, original = [], StoredMetrics._read
    monkeypatch.setattr(StoredMetrics, "_read", lambda self: read.append(self._name) or original(self))
    return read


def test_progress_goes_on_with_one_epoch_of_each_ended_trial(filled, reads):
    trial = filled.start_trial()
    for epoch in (1, 2, 3):
        trial.report(epoch, 0.4, {"loss": 0.1}, milliseconds=10 * epoch)
    trial.finish(optuna.trial.TrialState.COMPLETE, [0.4])
    filled.save_digest()
    tracker = Mock()
    Progress(filled, tracker).update()
    assert tracker.log_metrics.call_args.kwargs == {"milliseconds": 30}
    assert sorted(reads) == ["arnn:epoch:00001", "arnn:epoch:00001", "arnn:epoch:00003"]


def test_ranking_reads_epochs_of_equal_scores_only(filled, reads):
    _add(filled, 0.3, optuna.trial.TrialState.COMPLETE)
    filled.save_digest()
    assert [place.trial.number for place in rank(filled.trials(), ["maximize"])] == [0, 3]
    assert reads == []
    _add(filled, 0.5, optuna.trial.TrialState.COMPLETE)
    filled.save_digest()
    assert [place.trial.number for place in rank(filled.trials(), ["maximize"])] == [0, 4, 3]
    assert len(reads) == 2


def test_ledger_that_was_changed_behind_a_digest_is_said(filled, tmp_path):
    filled.save_digest()
    path = tmp_path / FILE_NAME
    path.write_bytes(path.read_bytes().replace(b"arnn:epoch:00001", b"arnn:epoch:00009"))
    trials = open_ledger(tmp_path, "study").trials()
    with pytest.raises(StudyError, match=r"holds no arnn:epoch:00001 at byte .*\. Without ledger\.digest"):
        trial_epochs(trials[0])
    (tmp_path / "ledger.digest").unlink()
    assert list(trial_epochs(open_ledger(tmp_path, "study").trials()[0])) == [9]


def test_digest_that_ends_within_a_record_is_done_without(filled, tmp_path):
    filled.save_digest()
    path = tmp_path / FILE_NAME
    path.write_bytes(path.read_bytes().replace(b"val_accuracy", b"validation_accuracy"))
    assert trial_epochs(open_ledger(tmp_path, "study").trials()[0])[1]["validation_accuracy"] == 0.5


def test_equal_distributions_of_ended_trials_are_one(filled):
    first, _, last = filled.trials()
    assert last.distributions == first.distributions
    assert all(last.distributions[name] is first.distributions[name] for name in first.distributions)


def test_long_ledger_is_read_in_pieces(filled, tmp_path, monkeypatch):
    monkeypatch.setattr(ledger_file, "_BYTES_AT_ONCE", 100)
    _same(open_ledger(tmp_path, "study"), filled)
