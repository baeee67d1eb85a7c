"""The conformance suite of engines: a new engine is one entry of ENGINES."""

import pytest
from optuna.trial import TrialState

from arnn_search.errors import ConfigurationError
from arnn_search.studies.engines import OptunaEngine
from arnn_search.studies.engines.engine import PastTrial
from arnn_search.studies.engines.pruners import make_pruner
from arnn_search.studies.engines.seeds import trial_seed

from .scripted import FAMILY, RATE, WIDTH


def _optuna(sampler, pruner="median"):
    return lambda seed: OptunaEngine(
        sampler=sampler, pruner=pruner, direction="maximize", epochs=9, seed=seed, study_name="s"
    )


ENGINES = {
    "tpe": _optuna("tpe"),
    "random": _optuna("random"),
    "tpe-hyperband": _optuna("tpe", "hyperband"),
    "tpe-asha": _optuna("tpe", "asha"),
}
PARAMETERS = (RATE, WIDTH, FAMILY)


def _values(proposal):
    return {parameter.name: proposal.suggest(parameter) for parameter in PARAMETERS}


def _history(engine, length, score=lambda values: 1 - abs(values["rate"] - 0.1)):
    history = []
    for number in range(length):
        proposal = engine.propose(number, history)
        values = _values(proposal)
        for epoch in range(1, 10):
            proposal.should_prune(epoch, score(values) * epoch)
        history.append(
            PastTrial(
                state=TrialState.COMPLETE,
                value=score(values),
                parameters=values,
                distributions=proposal._trial.distributions,
                intermediate_values={epoch: score(values) * epoch for epoch in range(1, 10)},
                notes=proposal.notes,
            )
        )
    return history


@pytest.fixture(params=ENGINES)
def make_engine(request):
    return ENGINES[request.param]


def test_values_are_in_range(make_engine):
    for past in _history(make_engine(1), 15):
        assert 1e-4 <= past.parameters["rate"] <= 1
        assert past.parameters["width"] in (1, 3, 5, 7, 9)
        assert past.parameters["family"] in ("classic", "ar")


def test_same_seed_and_history_give_the_same_proposal(make_engine):
    history = _history(make_engine(1), 15)
    assert _values(make_engine(1).propose(15, history)) == _values(make_engine(1).propose(15, history))


def test_seed_and_number_change_the_proposal(make_engine):
    first = _values(make_engine(1).propose(0, []))
    assert first != _values(make_engine(2).propose(0, []))
    assert first != _values(make_engine(1).propose(1, [PastTrial()]))


def test_settled_values_are_kept(make_engine):
    proposal = make_engine(1).propose(0, [], fixed={"width": 7})
    assert _values(proposal)["width"] == 7


def test_running_and_failed_trials_in_the_history_do_no_harm(make_engine):
    history = [*_history(make_engine(1), 12), PastTrial(), PastTrial(state=TrialState.FAIL)]
    assert _values(make_engine(1).propose(14, history))


def test_last_one_of_many_good_trials_is_not_pruned_when_it_leads(make_engine):
    engine = make_engine(1)
    proposal = engine.propose(12, _history(engine, 12))
    _values(proposal)
    assert not any(proposal.should_prune(epoch, 100.0 * epoch) for epoch in range(1, 9))


@pytest.mark.parametrize("pruner", ["median", "asha", "hyperband"])
def test_hopeless_trial_is_pruned(pruner):
    engine = _optuna("random", pruner)(1)
    history = _history(engine, 18)
    pruned = []
    for number in range(12, 18):  # Hyperband draws a bracket for each number, one of which never prunes
        proposal = engine.propose(number, history[:number])
        _values(proposal)
        pruned.append(any(proposal.should_prune(epoch, -100.0) for epoch in range(1, 9)))
    assert sum(pruned) >= 2


def test_tpe_finds_the_good_region_and_random_does_not():
    def share_near_best(sampler):
        rates = [past.parameters["rate"] for past in _history(_optuna(sampler)(3), 40)[20:]]
        return sum(0.03 < rate < 0.3 for rate in rates) / len(rates)

    assert share_near_best("tpe") > share_near_best("random")


def test_sampler_without_its_package_names_the_extra(monkeypatch):
    monkeypatch.setattr("arnn_search.studies.engines.samplers.find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"pip install 'arnn-search\[cmaes\]'"):
        _optuna("cmaes")(1)


def test_trial_seeds_differ_by_study_number_and_purpose():
    seeds = {
        trial_seed(study, number, purpose=purpose)
        for study in range(3)
        for number in range(50)
        for purpose in range(2)
    }
    assert len(seeds) == 300
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_no_pruner_never_prunes():
    assert type(make_pruner("none", epochs=5)).__name__ == "NopPruner"
