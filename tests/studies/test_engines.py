"""Both engines run through the conformance suite; and what is particular to one of them."""

from importlib.util import find_spec

import optuna
import pytest

from arnn_search.errors import ConfigurationError, StudyError
from arnn_search.execution.companion import InlineCompanion
from arnn_search.studies.choices import ORACLES, PRUNERS, SAMPLERS
from arnn_search.studies.config import make_config
from arnn_search.studies.engines import KerasTunerEngine, OptunaEngine
from arnn_search.studies.engines.engine import PastTrial, Readiness
from arnn_search.studies.engines.make import check_engine
from arnn_search.studies.engines.pruners import make_pruner
from arnn_search.studies.engines.samplers import sampler_maker
from arnn_search.studies.engines.seeds import trial_seed
from arnn_search.testing import EngineConformance, SimulatedStudy
from arnn_search.testing.simulation import FAMILY, LEVEL, WIDTH

OPEN = []
COMMON = {"direction": "maximize", "epochs": 9, "study_name": "s"}


class HalfSampler(optuna.samplers.RandomSampler):
    """A sampler of a user's own, named `tests.studies.test_engines:HalfSampler`."""

    def sample_independent(self, study, trial, param_name, param_distribution):
        if param_name == "level":
            return 0.5
        return super().sample_independent(study, trial, param_name, param_distribution)


def _optuna(sampler="tpe", pruner="median", *, seed=1):
    return OptunaEngine(sampler=sampler, pruner=pruner, seed=seed, **COMMON)


def _keras_tuner(oracle="random", pruner="median", *, seed=1, start=InlineCompanion):
    engine = KerasTunerEngine(
        oracle=oracle, pruner=pruner, seed=seed, space=(LEVEL, FAMILY, WIDTH), start=start, **COMMON
    )
    OPEN.append(engine)
    return engine


@pytest.fixture(autouse=True)
def _close_engines():
    yield
    while OPEN:
        OPEN.pop().close()


class TestTPE(EngineConformance):
    def make_engine(self, seed):
        return _optuna("tpe", seed=seed)


class TestTPEWithHyperbandPruner(EngineConformance):
    def make_engine(self, seed):
        return _optuna("tpe", "hyperband", seed=seed)


class TestRandomSamplerWithASHA(EngineConformance):
    def make_engine(self, seed):
        return _optuna("random", "asha", seed=seed)


class TestGridSampler(EngineConformance):
    is_exhaustive = True

    def make_engine(self, seed):
        return _optuna("grid", seed=seed)


class TestNSGAII(EngineConformance):
    def make_engine(self, seed):
        return _optuna("nsgaii", "percentile", seed=seed)


class TestNSGAIII(EngineConformance):
    def make_engine(self, seed):
        return _optuna("nsgaiii", "patient", seed=seed)


class TestQMC(EngineConformance):
    def make_engine(self, seed):
        return _optuna("qmc", "wilcoxon", seed=seed)


class TestSamplerOfOnesOwn(EngineConformance):
    def make_engine(self, seed):
        return _optuna("tests.studies.test_engines:HalfSampler", "none", seed=seed)


class TestCMAES(EngineConformance):
    def make_engine(self, seed):
        return _optuna("cmaes", seed=seed)


if find_spec("torch"):  # gigabytes, which the tests do not ask for

    class TestGP(EngineConformance):
        def make_engine(self, seed):
            return _optuna("gp", seed=seed)


class TestRandomOracle(EngineConformance):
    def make_engine(self, seed):
        return _keras_tuner("random", seed=seed)


class TestBayesianOracle(EngineConformance):
    def make_engine(self, seed):
        return _keras_tuner("bayesian", seed=seed)


class TestHyperbandOracle(EngineConformance):
    def make_engine(self, seed):
        return _keras_tuner("hyperband", seed=seed)


class TestGridOracle(EngineConformance):
    is_random = False
    is_exhaustive = True

    def make_engine(self, seed):
        return _keras_tuner("grid", seed=seed)


@pytest.mark.parametrize("name", [name for name, choice in SAMPLERS.items() if not choice.package])
def test_every_sampler_of_the_table_can_be_made(name):
    assert sampler_maker(name)


@pytest.mark.parametrize("name", PRUNERS)
def test_every_pruner_of_the_table_can_be_made(name):
    assert make_pruner(name, epochs=1)
    assert make_pruner(name, epochs=100)


@pytest.mark.parametrize("pruner", ["median", "percentile", "patient", "asha", "hyperband", "wilcoxon"])
def test_hopeless_trial_is_pruned(pruner):
    engine = _optuna("random", pruner)
    history = SimulatedStudy(engine).run(18)
    pruned = []
    for number in range(12, 18):  # Hyperband draws a bracket for each number, one of which never prunes
        proposal = engine.propose(number, history[:number])
        SimulatedStudy(engine).values(proposal)
        pruned.append(any(proposal.should_prune(epoch, -100.0 - epoch) for epoch in range(1, 9)))
    assert sum(pruned) >= 2


def test_tpe_finds_the_good_region_and_random_does_not():
    def share_of_best(sampler):
        history = SimulatedStudy(_optuna(sampler, "none", seed=3)).run(60)[30:]
        return sum(past.parameters["level"] == 0.5 for past in history) / len(history)

    assert share_of_best("tpe") > 2 * share_of_best("random")


def test_qmc_spreads_better_than_chance():
    history = SimulatedStudy(_optuna("qmc", "none")).run(41)
    counts = [sum(past.parameters["level"] == level for past in history) for level in (0, 0.25, 0.5, 0.75, 1)]
    assert max(counts) - min(counts) <= 3


def test_grid_sampler_needs_the_values_of_running_trials():
    assert _optuna("grid").needs_values
    assert not _optuna("tpe").needs_values


def test_sampler_without_its_package_names_the_extra(monkeypatch):
    monkeypatch.setattr("arnn_search.studies.engines.samplers.find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"pip install 'arnn-search\[cmaes\]'"):
        _optuna("cmaes")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sampler": "nowhere:Sampler"}, "'nowhere:Sampler' cannot be imported"),
        ({"sampler": "optuna.samplers:Nothing"}, "cannot be imported"),
        ({"sampler": "optuna.pruners:NopPruner"}, "must be a class that inherits from optuna's BaseSampler"),
        ({"pruner": "optuna.samplers:RandomSampler"}, "inherits from optuna's BasePruner"),
    ],
)
def test_classes_that_are_no_samplers_or_pruners_are_refused(settings, message):
    with pytest.raises(ConfigurationError, match=message):
        check_engine(make_config(settings))


def test_trial_seeds_differ_by_study_number_and_purpose():
    seeds = {
        trial_seed(study, number, purpose=purpose)
        for study in range(3)
        for number in range(50)
        for purpose in range(2)
    }
    assert len(seeds) == 300
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_hyperband_oracle_lets_the_best_go_on_with_their_weights():
    history = SimulatedStudy(_keras_tuner("hyperband")).run(22)
    given = [past.opening["values"] for past in history]
    rounds = [(values["tuner/bracket"], values["tuner/round"]) for values in given]
    assert {(2, 0), (2, 1), (2, 2)} <= set(rounds)
    first = [past for past, at in zip(history, rounds, strict=True) if at == (2, 0)]
    promoted = {
        int(values["tuner/trial_id"]) for values, at in zip(given, rounds, strict=True) if at == (2, 1)
    }
    best = sorted(range(len(first)), key=lambda number: -first[number].value)[: len(promoted)]
    assert {first[number].value for number in promoted} == {first[number].value for number in best}
    assert [max(past.intermediate_values) for past in history[:3]] == [1, 1, 1]


def test_bayesian_oracle_finds_the_good_region():
    history = SimulatedStudy(_keras_tuner("bayesian", "none")).run(20)
    assert sum(past.parameters["level"] == 0.5 for past in history[12:]) >= 4


def test_seed_zero_is_a_seed():
    first, second = (SimulatedStudy(_keras_tuner(seed=0)).run(5) for _ in range(2))
    assert [past.parameters for past in first] == [past.parameters for past in second]


def test_oracle_waits_for_a_running_trial_where_it_has_to():
    engine = _keras_tuner("grid")
    first = engine.propose(0, [])
    running = [PastTrial(opening=first.opening)]
    running.append(PastTrial(opening=engine.propose(1, running).opening))
    assert engine.readiness(2, running) is Readiness.WAITING
    with pytest.raises(StudyError, match="'grid' has no values for trial 2"):
        engine.propose(2, running)
    second = SimulatedStudy(engine).run_trial(engine.propose(1, running))
    assert engine.readiness(2, [running[0], second]) is Readiness.READY


def test_oracle_goes_on_from_trials_that_it_did_not_propose():
    history = SimulatedStudy(_optuna("random", "none")).run(8)
    for oracle in ORACLES:
        engine = _keras_tuner(oracle)
        engine.restore(history)
        assert SimulatedStudy(engine).values(engine.propose(8, history))[0]


def test_lost_oracle_is_replaced_by_one_that_was_told_the_same():
    from arnn_search.execution.companion import CompanionLostError

    class Mortal(InlineCompanion):
        calls = 0

        def call(self, method, *arguments):
            Mortal.calls += 1
            if Mortal.calls in (9, 40):
                raise CompanionLostError("gone")
            return super().call(method, *arguments)

    for oracle in ("random", "hyperband", "grid"):
        Mortal.calls = 0
        whole = SimulatedStudy(_keras_tuner(oracle)).run(20)
        broken = SimulatedStudy(_keras_tuner(oracle, start=Mortal)).run(20)
        assert [past.parameters for past in broken] == [past.parameters for past in whole]


def test_oracle_in_a_shared_study_is_refused_with_advice():
    pytest.importorskip("psycopg")
    config = make_config({"engine": "keras-tuner", "storage": "postgresql://me@here/db"})
    with pytest.raises(ConfigurationError, match="use --executor ray"):
        check_engine(config)
