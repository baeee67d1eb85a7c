"""Pareto fronts, their pruning, and the means of repeats."""

import optuna
import pytest

import arnn_search
from arnn_search.errors import ConfigurationError, UnknownNameError
from arnn_search.studies.config import make_config
from arnn_search.studies.engines import OptunaEngine
from arnn_search.studies.engines.make import check_engine
from arnn_search.studies.ledger import create_ledger
from arnn_search.studies.objectives import parse_objectives
from arnn_search.studies.pareto_pruning import ParetoRule
from arnn_search.studies.ranking import dominates, rank
from arnn_search.trials.channel import Built, EpochReport

from .scripted import COMPLETED, ScriptedExecutor
from .test_admission import WIDTH
from .test_supervisor import Workplace

DEFAULT = ("val_accuracy", "maximize")
SMALL = {"executor": "inline", "epochs": 2, "batch_size": 16, "mlflow": False}


def _trial(*values, architecture=""):
    attributes = {"arnn:architecture": architecture} if architecture else {}
    return optuna.trial.create_trial(values=list(values), user_attrs=attributes)


def _numbered(trials, directions):
    study = optuna.create_study(directions=directions)
    for trial in trials:
        study.add_trial(trial)
    return study.trials


def test_directions_follow_from_the_names():
    parsed = parse_objectives("auto,health/score,num_parameters,val_loss", "auto", default=DEFAULT)
    assert parsed.names == ("val_accuracy", "health/score", "num_parameters", "val_loss")
    assert parsed.directions == ("maximize", "maximize", "minimize", "minimize")
    assert parsed.primary.name == "val_accuracy"


def test_primary_objective_is_the_first_that_is_reported_every_epoch():
    parsed = parse_objectives("num_parameters,health/score,val_accuracy", "auto", default=DEFAULT)
    assert parsed.primary.name == "health/score"


@pytest.mark.parametrize(
    ("objective", "direction", "message"),
    [
        ("val_accuracy,val_accuracy", "auto", "given twice"),
        ("num_parameters,latency_ms", "auto", "Give an objective that is reported every epoch"),
        ("val_accuracy,val_loss", "maximize", "one direction for each of the 2 objectives"),
    ],
)
def test_objectives_that_do_not_fit_are_refused(objective, direction, message):
    with pytest.raises(ConfigurationError, match=message):
        parse_objectives(objective, direction, default=DEFAULT)


def test_unknown_direction_is_named():
    with pytest.raises((ConfigurationError, UnknownNameError), match="Did you mean maximize"):
        make_config({"direction": "maximise"})


@pytest.mark.parametrize("settings", [{"engine": "keras-tuner"}, {"sampler": "cmaes"}])
def test_engines_of_one_objective_say_so(settings, monkeypatch):
    monkeypatch.setattr("arnn_search.studies.engines.samplers.find_spec", lambda name: True)
    with pytest.raises(ConfigurationError, match=r"one objective|several objectives"):
        check_engine(make_config({"objective": ["val_accuracy", "num_parameters"]} | settings))


def test_one_dominates_another_if_it_is_nowhere_worse_and_somewhere_better():
    assert dominates((1, 2), (1, 3))
    assert not dominates((1, 2), (1, 2))
    assert not dominates((1, 4), (2, 3))


def test_pareto_front_leads_best_first_in_the_first_objective():
    directions = ["maximize", "minimize"]
    trials = _numbered([_trial(0.5, 10), _trial(0.9, 99), _trial(0.4, 50), _trial(0.8, 20)], directions)
    places = list(rank(trials, directions))
    assert [place.trial.number for place in places if place.is_leader] == [1, 3, 0]
    assert [place.trial.number for place in places if not place.is_leader] == [2]


def test_repeats_are_ranked_by_their_mean_with_its_interval():
    trials = _numbered(
        [
            _trial(0.9, architecture="lucky"),
            _trial(0.8, architecture="steady"),
            _trial(0.3, architecture="lucky"),
            _trial(0.82, architecture="steady"),
            _trial(0.7),
        ],
        ["maximize"],
    )
    places = list(rank(trials, ["maximize"], average=True))
    leaders = [place for place in places if place.is_leader]
    assert [place.trial.number for place in leaders] == [3, 4, 0]
    assert leaders[0].mean == pytest.approx(0.81)
    assert leaders[0].repeats == 2
    low, high = leaders[0].interval
    assert low < 0.81 < high
    assert leaders[1].interval is None
    assert [place.trial.number for place in places if not place.is_leader] == [1, 2]


class TestParetoRule:
    def rule(self, *peers):
        return ParetoRule(["maximize", "minimize"], [{1: peer, 3: peer} for peer in peers])

    def test_trial_that_a_third_of_its_peers_dominate_is_stopped(self):
        rule = self.rule((0.9, 10), (0.8, 5), (0.1, 90), (0.1, 80), (0.1, 70), (0.2, 99))
        assert rule.should_prune(3, (0.5, 50))
        assert not rule.should_prune(3, (0.85, 20))

    def test_trial_that_is_best_in_one_objective_is_not(self):
        assert not self.rule(*[(0.9, 10)] * 9).should_prune(1, (0.1, 5))

    def test_few_peers_and_other_epochs_say_nothing(self):
        assert not self.rule(*[(0.9, 10)] * 4).should_prune(1, (0.1, 50))
        assert not self.rule(*[(0.9, 10)] * 9).should_prune(2, (0.1, 50))
        assert not self.rule(*[(0.9, 10)] * 9).should_prune(9, (0.1, 50))


def _train(task, session):
    """Wider is better and larger; odd trials gain nothing from their weights."""
    yield None
    width = session.suggest(WIDTH)
    verdict = session.built(Built(f"width-{width}", width * 100, latency_ms=width * 1.0))
    if verdict.outcome is not None:
        yield verdict.outcome
    for epoch in range(1, task.epochs + 1):
        yield None
        score = width * epoch / 10 if task.number % 2 else 0.01 * epoch
        reason = session.report(
            EpochReport(epoch, {task.metric: score, "health/score": 0.5, "loss": 0.1}, float(epoch))
        )
        if reason is not None:
            yield arnn_search.trials.TrialOutcome("pruned", reason)
    yield COMPLETED


def _place(directory, *, slots=2, pruner="median", sampler="nsgaii"):
    directory.mkdir(parents=True)
    place = Workplace(directory / "unused", slots=slots, epochs=4)
    place.objectives = parse_objectives("val_accuracy,num_parameters,latency_ms", "auto", default=DEFAULT)
    place.ledger = create_ledger(directory, "study", directions=place.objectives.directions)
    place.engine = OptunaEngine(
        sampler=sampler,
        pruner=pruner,
        directions=place.objectives.directions,
        epochs=4,
        seed=7,
        study_name="study",
    )
    return place


@pytest.mark.parametrize("sampler", ["tpe", "nsgaii", "nsgaiii", "random", "qmc", "grid"])
def test_ledger_holds_every_objective_of_the_best_epoch(tmp_path, sampler):
    place = _place(tmp_path / "study", sampler=sampler)
    place.supervisor(ScriptedExecutor(_train), 16).run()
    trials = place.ledger.trials()
    assert {trial.state.name for trial in trials} <= {"COMPLETE", "PRUNED"}
    for trial in trials:
        if trial.state.name == "COMPLETE":
            width = trial.params["width"]
            expected = width * 0.4 if trial.number % 2 else 0.04
            assert trial.values == pytest.approx([expected, width * 100, width])


def test_dominated_trials_are_pruned_in_the_same_way_in_every_interleaving(tmp_path):
    results = []
    for seed in range(3):
        place = _place(tmp_path / str(seed), slots=3)
        place.supervisor(ScriptedExecutor(_train, seed=seed), 24).run()
        results.append([(trial.state.name, trial.values, trial.params) for trial in place.ledger.trials()])
    assert results[1:] == results[:1] * 2
    assert {state for state, _, _ in results[0]} == {"COMPLETE", "PRUNED"}


def test_study_of_several_objectives_has_a_front_and_models_of_all_of_it(folder, small_file, write_space):
    study = arnn_search.search(
        write_space(),
        small_file,
        num_trials=5,
        objective=["val_accuracy", "health/score", "num_parameters"],
        keep_models=1,
        **SMALL,
    )
    front = study.leaderboard
    assert study.objectives == {
        "val_accuracy": "maximize",
        "health/score": "maximize",
        "num_parameters": "minimize",
    }
    assert front
    assert all(trial.model is not None for trial in front)
    assert min(trial.num_parameters for trial in study.trials) in [trial.num_parameters for trial in front]
    for trial in study.trials:
        assert trial.values["num_parameters"] == trial.num_parameters
        assert trial.value == trial.values["val_accuracy"] == trial.metrics["val_accuracy"]
    exported = study.export("small.keras", trial=front[-1].number)
    assert exported.trial == front[-1].number
    again = arnn_search.search(resume=True, num_trials=6)
    assert len(again.trials) == 6


def test_study_that_repeats_is_ranked_by_the_mean(folder, small_file, write_space):
    space = write_space('hp.Int("units", 2, 8)', '4 + 0 * hp.Int("nothing", 2, 8)')
    space.write_text(
        space.read_text().replace('hp.Float("learning_rate", 1e-3, 1e-1, sampling="log")', "0.01")
    )
    study = arnn_search.search(space, small_file, num_trials=4, duplicates="repeat", **SMALL)
    assert 1 <= len(study.leaderboard) <= 2
    assert sum(trial.repeats for trial in study.leaderboard) == 4
    best = study.best_trial
    if best.repeats > 1:
        assert best.interval[0] <= best.mean <= best.interval[1]
