"""The steered policies, with the package's own defaults, which the tuning half has chosen."""

from arnn_search.health.race import StepRace
from arnn_search.health.rule import HealthRule, ProbeLimits
from arnn_search.health.steering import Steering
from benchmarks.steering.policies import Policy, make_policy

_PROBE, _RULE, _RACE = ProbeLimits(), HealthRule(), StepRace()

OURS: dict[str, Policy] = {
    name: make_policy(sampler="tpe", pruner=pruner, steering=steering)
    for name, pruner, steering in (
        ("TPE + rule", "none", Steering(rule=_RULE)),
        ("TPE + probe, rule", "none", Steering(probe=_PROBE, rule=_RULE)),
        ("TPE + ASHA + rule", "asha", Steering(rule=_RULE)),
        ("TPE + ASHA + probe, rule", "asha", Steering(probe=_PROBE, rule=_RULE)),
        ("TPE + race", "none", Steering(race=_RACE)),
        ("TPE + ASHA + race", "asha", Steering(race=_RACE)),
        ("TPE + ASHA + rule, race", "asha", Steering(rule=_RULE, race=_RACE)),
        ("TPE + ASHA + probe, rule, race", "asha", Steering(_PROBE, _RULE, _RACE)),
    )
}
