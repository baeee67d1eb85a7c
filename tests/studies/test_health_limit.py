"""Gradient health as an objective, as a limit, and as what decides between equal scores."""

import optuna
import pytest

import arnn_search
from arnn_search.errors import ConfigurationError
from arnn_search.precedence import precedence
from arnn_search.studies.admission import Admission
from arnn_search.studies.best_models import BestModels
from arnn_search.studies.config import make_config
from arnn_search.studies.engines.engine import PastTrial
from arnn_search.studies.engines.past_trials import PastTrials
from arnn_search.studies.history import as_past_trial
from arnn_search.studies.layout import StudyLayout
from arnn_search.studies.ledger import trial_attributes
from arnn_search.studies.ranking import rank
from arnn_search.studies.rerun import rerun_trial
from arnn_search.tracking.study_view import StudyView
from arnn_search.trials.channel import Built, EpochReport

from .scripted import COMPLETED, FAMILY, WIDTH, ScriptedExecutor
from .test_supervisor import Workplace

SMALL = {"executor": "inline", "epochs": 2, "batch_size": 16, "mlflow": False}


def _train(task, session):
    """The classic family scores best and is ill; health falls after the best epoch."""
    yield None
    width, family = session.suggest(WIDTH), session.suggest(FAMILY)
    verdict = session.built(Built(f"{family}-{width}", width))
    if verdict.outcome is not None:
        yield verdict.outcome
    healthy = 0.2 if family == "classic" else 0.8
    for epoch, score in enumerate((0.5, 0.9, 0.7), start=1):
        yield None
        health = healthy if epoch == 2 else 0.1
        metrics = {task.metric: score + (family == "classic") * 0.05, "health/score": health, "loss": 0.1}
        session.report(EpochReport(epoch, metrics, float(epoch)))
    yield COMPLETED


def _run(directory, *, trials=20, sampler="random", **rules):
    place = Workplace(directory, slots=1, sampler=sampler)
    place.admission = Admission(**rules)
    place.supervisor(ScriptedExecutor(_train), trials).run()
    return place.ledger.trials()


def _states(trials):
    return [trial_attributes(trial)["state"] for trial in trials]


def test_health_is_an_objective_by_a_readable_name():
    config = make_config({"objective": ["val_accuracy", "gradient_health", "num_parameters"]})
    assert config.objective == "val_accuracy,health/score,num_parameters"
    assert make_config({"objective": "gradient_health"}) == make_config({"objective": "health/score"})


def test_study_maximizes_gradient_health(folder, small_file, write_space):
    study = arnn_search.search(write_space(), small_file, num_trials=2, objective="gradient_health", **SMALL)
    assert study.objectives == {"health/score": "maximize"}
    assert study.best_trial.value == max(trial.metrics["health/score"] for trial in study.trials)


def test_health_as_objective_or_limit_needs_the_telemetry(folder, small_file, write_space):
    with pytest.raises(ConfigurationError, match="'health/score' needs the telemetry"):
        arnn_search.search(write_space(), small_file, objective="gradient_health", telemetry=False, **SMALL)
    with pytest.raises(ConfigurationError, match=r"`min_health` needs the telemetry.*telemetry = false"):
        make_config({"min_health": 0.5, "telemetry": False})


@pytest.mark.parametrize("limit", [0, 1.5, -1])
def test_limit_on_health_is_a_share(limit):
    with pytest.raises(ConfigurationError, match="min_health"):
        make_config({"min_health": limit})


def test_trial_of_little_health_is_infeasible_recorded_and_not_ranked(tmp_path):
    trials = _run(tmp_path, min_health=0.5)
    ill = [trial for trial in trials if trial.params["family"] == "classic"]
    assert 0 < len(ill) < 20
    for trial in trials:
        state = "infeasible" if trial in ill else "completed"
        assert trial_attributes(trial)["state"] == state
        # Of the best epoch, not of the last one, in which every trial is ill.
        assert trial.constraints == {"min_health": pytest.approx(1 - (0.2 if trial in ill else 0.8) / 0.5)}
        assert trial.values == [pytest.approx(0.95 if trial in ill else 0.9)]
    attributes = trial_attributes(ill[0])
    assert attributes["reason"] == "below min_health"
    assert attributes["message"].startswith("Its health score is 0.200; min_health is 0.5.")
    places = list(rank(trials, ["maximize"]))
    assert {place.trial.params["family"] for place in places} == {"ar"}


def test_tpe_learns_which_trials_are_not_healthy(tmp_path):
    def num_infeasible(sampler):
        trials = _run(tmp_path / sampler, trials=50, sampler=sampler, min_health=0.5)
        return _states(trials[25:]).count("infeasible")

    assert num_infeasible("tpe") < num_infeasible("random")


def test_result_that_is_taken_over_is_infeasible_again(tmp_path):
    trials = _run(tmp_path, min_health=0.5, duplicates="reuse")
    reused = [trial for trial in trials if "reused" in trial_attributes(trial)]
    assert {trial.params["family"] for trial in reused} == {"classic", "ar"}
    for trial in reused:
        assert (trial_attributes(trial)["state"] == "infeasible") == (trial.params["family"] == "classic")


def test_pruned_trial_tells_the_sampler_of_its_health_and_stays_pruned(tmp_path):
    def train(task, session):
        yield from (outcome for outcome in _train(task, session) if outcome is None)
        yield arnn_search.trials.TrialOutcome("pruned", "pruner")

    place = Workplace(tmp_path, slots=1, sampler="random")
    place.admission = Admission(min_health=0.9)
    place.supervisor(ScriptedExecutor(train), 2).run()
    assert _states(place.ledger.trials()) == ["pruned", "pruned"]
    assert all(trial.constraints["min_health"] > 0 for trial in place.ledger.trials())


def test_health_that_is_not_known_is_not_held_against_a_trial():
    admission = Admission(min_health=0.5)
    assert admission.health_constraint({"loss": 1.0}) == {"min_health": 0}
    assert admission.judge_trained({"loss": 1.0}) is None
    assert Admission().health_constraint({"health/score": 0.1}) == {}


def test_engines_without_constraints_see_no_score_of_an_infeasible_trial(tmp_path):
    infeasible = next(
        past
        for past in map(as_past_trial, _run(tmp_path, min_health=0.5))
        if past.parameters["family"] == "classic"
    )
    assert PastTrials([infeasible]).frozen([])[0].state.name == "COMPLETE"
    shown = PastTrials([infeasible], constrained=False).frozen([])[0]
    assert shown.state.name == "PRUNED"
    assert not infeasible.is_feasible
    assert PastTrial(constraints={"max_parameters": -0.5}).is_feasible


def test_models_of_infeasible_trials_are_not_kept(tmp_path):
    place = Workplace(tmp_path, slots=1, sampler="random")
    place.admission = Admission(min_health=0.5)
    place.supervisor(ScriptedExecutor(_train), 6).run()
    layout = StudyLayout(tmp_path)
    models = [layout.trial(number) / "model.keras" for number in range(6)]
    for model in models:
        model.parent.mkdir(parents=True, exist_ok=True)
        model.touch()
    BestModels(place.ledger, layout, keep=6).update()
    feasible = [state == "completed" for state in _states(place.ledger.trials())]
    assert [model.exists() for model in models] == feasible
    assert True in feasible
    assert False in feasible


def test_real_trial_below_the_limit_is_infeasible_and_can_be_run_again(folder, small_file, write_space):
    study = arnn_search.search(write_space(), small_file, num_trials=2, min_health=1.0, **SMALL)
    assert {trial.state for trial in study.trials} == {"infeasible"}
    assert study.leaderboard == []
    assert all(trial.value == trial.metrics["val_accuracy"] for trial in study.trials)
    assert all(trial.model is None for trial in study.trials)
    assert rerun_trial(study, 0).is_equal


def _view_row(number, score, health, weights):
    return {
        "number": number,
        "state": "completed",
        "score": score,
        "metric.health/score": health,
        "num_weights": weights,
    }


TIES = [(0.8, 0.9, 10), (0.9, 0.5, 10), (0.9, 0.7, 99), (0.9, 0.7, 20), (0.9, None, 5), (0.9, 0.7, 20)]
"""Score, health and weights of trials 0 to 5."""
IN_ORDER = [3, 5, 2, 1, 4, 0]


def _ledger_of_ties(directory):
    def train(task, session):
        score, health, weights = TIES[task.number]
        session.built(Built(f"{task.number}", weights))
        yield None
        known = {} if health is None else {"health/score": health}
        session.report(EpochReport(1, {task.metric: score, "other": 1.0} | known, 1.0))
        session.report(EpochReport(2, {task.metric: score - 0.1, "other": 1.0, "health/score": 1.0}, 2.0))
        yield COMPLETED

    place = Workplace(directory, slots=1, sampler="random")
    place.supervisor(ScriptedExecutor(train), len(TIES)).run()
    return place.ledger


def test_of_equal_scores_the_healthier_then_the_smaller_leads(tmp_path):
    ledger = _ledger_of_ties(tmp_path)
    places = list(rank(ledger.trials(), ["maximize"]))
    assert [place.trial.number for place in places] == IN_ORDER
    averaged = list(rank(ledger.trials(), ["maximize"], average=True))
    assert [place.trial.number for place in averaged] == IN_ORDER


def test_models_of_the_healthier_of_equals_are_kept(tmp_path):
    ledger, layout = _ledger_of_ties(tmp_path), StudyLayout(tmp_path)
    models = [layout.trial(number) / "model.keras" for number in range(len(TIES))]
    for model in models:
        model.parent.mkdir(parents=True, exist_ok=True)
        model.touch()
    BestModels(ledger, layout, keep=3).update()
    assert [number for number, model in enumerate(models) if model.exists()] == sorted(IN_ORDER[:3])


def test_dashboards_rank_like_the_ledger():
    view = StudyView.from_tables("ties", [_view_row(number, *tie) for number, tie in enumerate(TIES)])
    assert view.completed.index.tolist() == IN_ORDER
    losses = StudyView.from_tables(
        "losses",
        [_view_row(0, 0.5, 0.1, 1), _view_row(1, 0.5, 0.2, 1)],
        metric="val_loss",
        direction="minimize",
    )
    assert losses.completed.index.tolist() == [1, 0]


def test_precedence_looks_at_every_score_before_health():
    ill_and_better = precedence([0.1, 0.2], health=0.1, num_parameters=9, number=9)
    healthy_and_worse = precedence([0.1, 0.3], health=0.9, num_parameters=1, number=0)
    assert ill_and_better < healthy_and_worse


def test_pareto_front_puts_the_healthier_of_equals_first():
    study = optuna.create_study(directions=["maximize", "minimize"])
    for health in (0.2, 0.6, 0.4):
        attributes = {"arnn:best_epoch": 1, "arnn:epoch:00001": {"health/score": health}}
        study.add_trial(optuna.trial.create_trial(values=[0.9, 10], user_attrs=attributes))
    places = list(rank(study.trials, ["maximize", "minimize"]))
    assert [place.trial.number for place in places] == [1, 2, 0]
    assert all(place.is_leader for place in places)
