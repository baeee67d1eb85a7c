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
    assert not HistoryView("strict", num_slots=1).can_start(3, _trials(True, True, False))


def test_strict_order_hides_what_ended_by_chance():
    trials = _trials(True, True, True, True, False)
    view = HistoryView("strict", num_slots=2)
    assert [past.state.is_finished() for past in view.past(5, trials)] == [True, True, False, False, False]
    assert view.can_start(5, trials)
    other = HistoryView("strict", num_slots=2)
    assert not other.can_start(9, _trials(*[True] * 4, False, *[True] * 4))


def test_what_has_ended_is_made_once():
    view = HistoryView("free", num_slots=2)
    first = view.past(3, _trials(True, False, True))
    later = view.past(4, _trials(True, True, True, False))
    assert later[0] is first[0]
    assert later[2] is first[2]
    assert [past.state.is_finished() for past in later] == [True, True, True, False]


def test_free_order_knows_what_has_ended_and_never_waits():
    trials = _trials(False, True)
    view = HistoryView("free", num_slots=2)
    assert view.can_start(2, trials)
    assert [past.state.is_finished() for past in view.past(2, trials)] == [False, True]


@pytest.mark.parametrize("order", ["strict", "free"])
def test_history_has_one_entry_for_each_earlier_trial(order):
    assert len(HistoryView(order, num_slots=3).past(4, _trials(*[True] * 4))) == 4
