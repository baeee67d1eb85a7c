import math
from dataclasses import replace

import pytest

from arnn_search.errors import ConfigurationError, UnknownNameError
from arnn_search.health.race import StepRace
from arnn_search.health.rule import HealthRule, ProbeLimits, StepWindow
from arnn_search.health.steering import Steering, steering

CHANCE = math.log(10)
RULE = HealthRule(
    window_steps=8, patience=2, first_step=16, min_vanishing_index=-3.0, max_vanishing_index=3.0
)
HEALTHY = StepWindow(done=8, steps=8, gradient_rms=(0.1, 0.2, 0.1), nonfinite_steps=0, loss=1.5)


def _windows(count=2, **changes):
    return [replace(HEALTHY, done=8 * (index + 1), **changes) for index in range(count)]


def _name(windows, *, chance_loss=CHANCE, rule=RULE):
    reason = rule.reason_to_stop(windows, chance_loss=chance_loss)
    return reason and reason.name


ILL = {
    "vanishing gradient": {"gradient_rms": (1e-6, 1e-4, 1e-1), "loss": CHANCE},
    "exploding gradient": {"gradient_rms": (1e2, 1.0, 1e-3), "loss": CHANCE},
    "dead units": {"gradient_rms": (0.0, 0.0, 0.1), "loss": CHANCE},
    "non-finite gradients": {"gradient_rms": (0.1, math.nan, 0.1), "nonfinite_steps": 5, "loss": math.nan},
}


@pytest.mark.parametrize("name", ILL)
def test_each_illness_stops_once_it_persists(name):
    windows = _windows(**ILL[name])
    assert _name(windows) == name
    assert _name(windows[:1]) is None
    assert _name([HEALTHY, windows[1]]) is None
    assert _name(windows, rule=replace(RULE, first_step=24)) is None


def test_healthy_training_goes_on():
    assert _name(_windows(4)) is None


@pytest.mark.parametrize("name", ["vanishing gradient", "exploding gradient", "dead units"])
def test_what_learns_goes_on_whatever_its_gradients(name):
    learning = _windows(**(ILL[name] | {"loss": CHANCE * (1 - RULE.chance_margin) - 0.01}))
    assert _name(learning) is None
    assert _name(_windows(**ILL[name]), chance_loss=math.nan) is None


def test_healthy_gradients_at_chance_go_on():
    assert _name(_windows(loss=CHANCE)) is None


def test_limits_are_read_from_one_table_of_options():
    options = {"min_initial_collapse": -2, "patience": 3, "min_vanishing_index": -2.5, "race_share": 0.5}
    assert steering("probe, rule,race", options) == Steering(
        ProbeLimits(min_initial_collapse=-2),
        HealthRule(patience=3, min_vanishing_index=-2.5),
        StepRace(race_share=0.5),
    )
    assert steering("none", options) == Steering()
    assert steering("rule", {}) == Steering(rule=HealthRule())


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"patience_": 1}, UnknownNameError, "patience"),
        ({"race_rungs": 0}, ConfigurationError, "race_rungs"),
        ({"race_share": 1.0}, ConfigurationError, "share"),
        ({"patience": 1.5}, ConfigurationError, "whole number"),
        ({"chance_margin": "much"}, ConfigurationError, "must be a number"),
        ({"patience": 0}, ConfigurationError, "at least 1"),
        ({"max_nonfinite": 1.5}, ConfigurationError, "share"),
        ({"min_initial_collapse": 2.0}, ConfigurationError, "below 0"),
    ],
)
def test_wrong_options_are_refused(options, error, match):
    with pytest.raises(error, match=match):
        steering("none", options)


def test_probe_limits_are_constraints_relative_to_the_limit():
    limits = ProbeLimits(-4.0, 4.0, -2.0)
    constraints = limits.constraints(
        {"initial_health/vanishing_index": -5.0, "initial_health/collapse": -1.0}
    )
    assert constraints == {
        "min_initial_vanishing_index": pytest.approx(0.25),
        "max_initial_vanishing_index": pytest.approx(-2.25),
        "min_initial_collapse": pytest.approx(-0.5),
    }
    assert all(value < 0 for value in limits.constraints({}).values())
