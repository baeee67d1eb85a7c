"""Trials that are not trained, or not to their end, for the health of their gradients."""

import sys

import pytest

import arnn_search
from arnn_search.errors import ConfigurationError
from arnn_search.health.race import StepRace
from arnn_search.health.rule import HealthRule, ProbeLimits
from arnn_search.health.steering import Steering
from arnn_search.studies.admission import Admission
from arnn_search.studies.config import make_config, study_steering
from arnn_search.studies.engines.past_trials import PastTrials
from arnn_search.studies.history import as_past_trial
from arnn_search.studies.ledger import trial_attributes
from arnn_search.trials.channel import Built, EpochReport, RungReport
from arnn_search.trials.outcome import TrialOutcome

from .scripted import COMPLETED, FAMILY, WIDTH, ScriptedExecutor
from .test_supervisor import Workplace

VETO = "exceeds min_initial_collapse"


def _train(task, session):
    """The classic family collapses at initialisation; the widest others are stopped in their first steps."""
    yield None
    width, family = session.suggest(WIDTH), session.suggest(FAMILY)
    session.built(Built(f"{family}-{width}", width))
    collapse = -6.0 if family == "classic" else -1.0
    outcome = session.probed({"initial_health/collapse": collapse, "initial_health/vanishing_index": -0.5})
    if outcome is not None:
        yield outcome
    if width >= 7:
        yield TrialOutcome("pruned", "health: vanishing gradient", "Stopped after step 16.")
    for epoch in (1, 2):
        yield None
        session.report(EpochReport(epoch, {task.metric: 0.5 + width / 100, "loss": 0.1}, float(epoch)))
    yield COMPLETED


LIMITS = ProbeLimits(min_initial_collapse=-4.0)


def _run(directory, *, sampler="random", trials=20, probe=LIMITS):
    place = Workplace(directory, slots=1, sampler=sampler)
    place.admission = Admission(probe=probe)
    place.supervisor(ScriptedExecutor(_train), trials).run()
    return place.ledger.trials()


def test_veto_is_infeasible_by_its_constraint_and_recorded(tmp_path):
    trials = _run(tmp_path)
    for trial in trials:
        attributes = trial_attributes(trial)
        collapses = trial.params["family"] == "classic"
        assert attributes["initial_health"]["initial_health/collapse"] == (-6.0 if collapses else -1.0)
        assert trial.constraints["min_initial_collapse"] == pytest.approx(0.5 if collapses else -0.75)
        assert (attributes["state"] == "infeasible") == collapses
        assert as_past_trial(trial).is_feasible != collapses
        if collapses:
            assert attributes["reason"] == VETO
            assert attributes["message"].startswith("At initialisation its collapse is -6.00; min_initial")
    states = [trial_attributes(trial)["state"] for trial in trials]
    assert {"infeasible", "completed", "pruned"} == set(states)
    # Samplers take trials that broke a limit, and those stopped before their first epoch, as they are.
    PastTrials([]).frozen([as_past_trial(trial) for trial in trials])


def test_probe_is_recorded_without_a_limit(tmp_path):
    trials = _run(tmp_path, probe=None)
    assert all("initial_health" in trial_attributes(trial) for trial in trials)
    assert "infeasible" not in {trial_attributes(trial)["state"] for trial in trials}


def test_sampler_learns_from_vetoes(tmp_path):
    vetoed = {
        sampler: sum(
            trial_attributes(trial)["reason"] == VETO
            for trial in _run(tmp_path / sampler, sampler=sampler, trials=50)[20:]
        )
        for sampler in ("random", "tpe")
    }
    assert vetoed["tpe"] < vetoed["random"] / 2


def test_limits_come_from_the_configuration():
    config = make_config(
        {"health_pruner": ["probe", "rule"], "health_pruner_options": {"min_initial_collapse": -3.5}}
    )
    assert config.health_pruner == "probe,rule"
    assert study_steering(config) == Steering(ProbeLimits(min_initial_collapse=-3.5), HealthRule())
    assert study_steering(make_config({"health_pruner": "race"})) == Steering(race=StepRace())
    assert study_steering(make_config({})) == Steering()
    with pytest.raises(ConfigurationError, match="min_initial_collapse"):
        make_config({"health_pruner_options": "min_initial_colapse=-2"})
    with pytest.raises(ConfigurationError, match="Did you mean probe"):
        make_config({"health_pruner": "prob"})
    with pytest.raises(ConfigurationError, match=r"`health_pruner` needs the telemetry"):
        make_config({"health_pruner": "probe", "telemetry": False})


def test_race_is_run_against_the_trials_before(tmp_path):
    losses = [2.0, 1.0, 2.5, 0.5, 1.2, 1.5]

    def train(task, session):
        yield None
        session.built(Built(str(task.number), 1))
        reason = session.raced(RungReport(32, losses[task.number]))
        if reason is not None:
            yield TrialOutcome("pruned", reason)
        session.report(EpochReport(1, {task.metric: 0.5, "loss": 0.1}, 1.0))
        yield COMPLETED

    place = Workplace(tmp_path, slots=1)
    race = StepRace(race_rungs=1, race_share=0.5, race_fewest=3)
    place.supervisor(ScriptedExecutor(train), len(losses), race=race).run()
    attributes = [trial_attributes(trial) for trial in place.ledger.trials()]
    # Of three and four the best two go on, of five and six the best three.
    assert [one["reason"] for one in attributes] == [
        "completed",
        "completed",
        "race",
        "completed",
        "completed",
        "race",
    ]
    assert [one["race"] for one in attributes] == [{"32": loss} for loss in losses]


def test_study_probes_and_stops_in_steps(folder, small_file, write_space):
    settings = {"executor": "inline", "epochs": 2, "batch_size": 16, "mlflow": False}
    limits = {"min_initial_collapse": -9.0, "window_steps": 1, "patience": 1, "first_step": 2}
    # Every gradient counts as exploding, and every loss as chance.
    limits |= {"max_vanishing_index": -99.0, "chance_margin": 1.0}
    study = arnn_search.search(
        write_space(),
        small_file,
        num_trials=2,
        health_pruner="probe,rule",
        health_pruner_options=limits,
        **settings,
    )
    for trial in study.trials:
        assert trial.state == "pruned"
        assert trial.reason == "health: exploding gradient"
        assert "after step 2 of the first epoch" in trial.message
    vetoed = arnn_search.search(
        write_space(),
        small_file,
        num_trials=1,
        health_pruner="probe",
        health_pruner_options={"min_initial_collapse": -1e-9},
        **settings,
    )
    assert [trial.reason for trial in vetoed.trials] == [VETO]


def test_what_is_ended_for_its_health_has_lost_the_race(tmp_path):
    """Those that come to the rung are compared with all, not with the healthy ones alone."""
    losses = {4: 1.0, 5: 1.5, 6: 0.8, 7: 1.2}

    def train(task, session):
        yield None
        session.built(Built(str(task.number), 1))
        collapse = -6.0 if task.number in (0, 1) else -1.0
        outcome = session.probed({"initial_health/collapse": collapse})
        if outcome is not None:
            yield outcome
        if task.number in (2, 3):
            yield TrialOutcome("pruned", "health: vanishing gradient", "Stopped after step 16.")
        if session.raced(RungReport(32, losses[task.number])) is not None:
            yield TrialOutcome("pruned", "race")
        session.report(EpochReport(1, {task.metric: 0.5, "loss": 0.1}, 1.0))
        yield COMPLETED

    place = Workplace(tmp_path, slots=1)
    place.admission = Admission(probe=LIMITS)
    race = StepRace(race_first_rung=32, race_rungs=1, race_share=0.5, race_fewest=3)
    place.supervisor(ScriptedExecutor(train), 8, race=race).run()
    trials = place.ledger.trials()
    reasons = [trial_attributes(trial)["reason"] for trial in trials]
    assert reasons[:4] == [VETO, VETO, "health: vanishing gradient", "health: vanishing gradient"]
    # The best half of five, six, seven and eight: with those four, everybody is among it.
    assert reasons[4:] == ["completed"] * 4
    assert [as_past_trial(trial).race for trial in trials[:4]] == [{32: sys.float_info.max}] * 4


def test_who_loses_at_a_rung_has_lost_at_the_next_ones(tmp_path):
    """Those that come to a later rung are compared with all, not with the best alone."""
    losses = {0: (2.0, 1.0), 1: (1.0, 1.4), 2: (3.0, None), 3: (4.0, None), 4: (0.5, 1.2)}

    def train(task, session):
        yield None
        session.built(Built(str(task.number), 1))
        for step, loss in zip((4, 8), losses[task.number], strict=True):
            if session.raced(RungReport(step, loss)) is not None:
                yield TrialOutcome("pruned", "race")
        session.report(EpochReport(1, {task.metric: 0.5, "loss": 0.1}, 1.0))
        yield COMPLETED

    place = Workplace(tmp_path, slots=1)
    race = StepRace(race_first_rung=4, race_rungs=2, race_share=0.5, race_share_factor=0.5, race_fewest=3)
    place.supervisor(ScriptedExecutor(train), 5, race=race).run()
    trials = place.ledger.trials()
    # At the second rung 1.2 is the second of five, and the best two go on: a quarter, rounded up.
    assert [trial_attributes(trial)["reason"] for trial in trials] == [
        "completed",
        "completed",
        "race",
        "race",
        "completed",
    ]
    assert as_past_trial(trials[2]).race == {4: 3.0, 8: sys.float_info.max}
    assert as_past_trial(trials[4]).race == {4: 0.5, 8: 1.2}


def test_race_whose_attempt_is_broken_off_keeps_what_it_has_shown(tmp_path):
    def train(task, session):
        yield None
        session.built(Built(str(task.number), 1))
        if task.attempt == 1:
            session.raced(RungReport(4, 0.5))
            yield TrialOutcome("failed", "interrupted", retry=True)
        if task.number == 0:
            session.event("resumed", {"epoch": 1})
        session.raced(RungReport(8, 0.25))
        session.report(EpochReport(1, {task.metric: 0.5, "loss": 0.1}, 1.0))
        yield COMPLETED

    place = Workplace(tmp_path, slots=1)
    place.supervisor(ScriptedExecutor(train), 2, race=StepRace(race_first_rung=4, race_rungs=2)).run()
    resumed, begun_anew = place.ledger.trials()
    assert as_past_trial(resumed).race == {4: 0.5, 8: 0.25}
    assert as_past_trial(begun_anew).race == {8: 0.25}


@pytest.mark.parametrize(
    ("outcome", "race"),
    [
        (TrialOutcome("pruned", "pruner"), {4: 0.5, 8: sys.float_info.max}),
        (TrialOutcome("failed", "diverged"), {4: 0.5, 8: sys.float_info.max}),
        (TrialOutcome("failed", "ValueError"), {4: 0.5}),
    ],
)
def test_who_is_ended_between_two_rungs_has_lost_at_the_second(tmp_path, outcome, race):
    def train(task, session):
        yield None
        session.built(Built(str(task.number), 1))
        session.raced(RungReport(4, 0.5))
        yield outcome

    place = Workplace(tmp_path, slots=1)
    place.supervisor(ScriptedExecutor(train), 1, race=StepRace(race_first_rung=4, race_rungs=2)).run()
    assert as_past_trial(place.ledger.trials()[0]).race == race


def test_race_beyond_the_training_is_refused(folder, small_file, write_space):
    with pytest.raises(ConfigurationError, match="A trial has 3 steps, and the race would decide after 32"):
        arnn_search.search(
            write_space(),
            small_file,
            health_pruner="race",
            epochs=3,
            batch_size=1000,
            executor="inline",
            mlflow=False,
        )
