"""The steered policies, with the package's own defaults and what the tuning half has chosen."""

from arnn_search.health.race import StepRace
from arnn_search.health.rule import HealthRule, ProbeLimits
from arnn_search.health.steering import Steering
from arnn_search.studies.draft import Contest
from benchmarks.steering.policies import Policy, make_policy

CONTEST = Contest(candidates=6)
FASTER_RACE = StepRace(race_share=1 / 3, race_share_factor=0.65)
"""The cheapest one on the tuning half, whatever it ends."""
_NOTHING, _PROBE, _RULE, _RACE = Steering(), ProbeLimits(), HealthRule(), StepRace()

OURS: dict[str, Policy] = {
    name: make_policy(sampler=sampler, pruner=pruner, steering=steering, contest=contest)
    for name, sampler, pruner, steering, contest in (
        ("TPE + rule", "tpe", "none", Steering(rule=_RULE), Contest()),
        ("TPE + probe, rule", "tpe", "none", Steering(_PROBE, _RULE), Contest()),
        ("TPE + race", "tpe", "none", Steering(race=_RACE), Contest()),
        ("TPE + probe, rule, race", "tpe", "none", Steering(_PROBE, _RULE, _RACE), Contest()),
        ("TPE + probe, rule, faster race", "tpe", "none", Steering(_PROBE, _RULE, FASTER_RACE), Contest()),
        ("random + probe, rule, race", "random", "none", Steering(_PROBE, _RULE, _RACE), Contest()),
        ("random, 6 candidates", "random", "none", _NOTHING, CONTEST),
        ("TPE, 6 candidates", "tpe", "none", _NOTHING, CONTEST),
    )
}
