import optuna
import pytest

from arnn_search.studies.history import HistoryView


def _trials(*finished):
    study = optuna.create_study()
    for is_finished in finished:
        state = optuna.trial.TrialState.COMPLETE if is_finished else optuna.trial.TrialState.RUNNING
        study.add_trial(optuna.trial.create_trial(state=state, value=1.0 if is_finished else None))
    return study.trials


def test_one_slot_sees_everything():
    view = HistoryView("strict", num_slots=1)
    assert [past.state.is_finished() for past in view.past(3, _trials(True, True, True))] == [True] * 3
    assert not view.can_start(3, _trials(True, True, False))


def test_strict_order_hides_what_ended_by_chance():
    trials = _trials(True, True, True, True, False)
    view = HistoryView("strict", num_slots=2)
    assert [past.state.is_finished() for past in view.past(5, trials)] == [True, True, False, False, False]
    assert view.can_start(5, trials)
    assert not view.can_start(9, _trials(*[True] * 4, False, *[True] * 4))


def test_free_order_knows_what_has_ended_and_never_waits():
    trials = _trials(False, True)
    view = HistoryView("free", num_slots=2)
    assert view.can_start(2, trials)
    assert [past.state.is_finished() for past in view.past(2, trials)] == [False, True]


@pytest.mark.parametrize("order", ["strict", "free"])
def test_history_has_one_entry_for_each_earlier_trial(order):
    assert len(HistoryView(order, num_slots=3).past(4, _trials(*[True] * 4))) == 4
