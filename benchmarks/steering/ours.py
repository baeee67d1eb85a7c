"""The steered policies, with what the tuning half has chosen."""

from arnn_search.health.rule import HealthRule, ProbeLimits
from benchmarks.steering.policies import Policy, Steering, make_policy

PROBE = ProbeLimits()
RULE = HealthRule()
RUNGS = (8, 16, 32)

OURS: dict[str, Policy] = {
    "TPE + rule": make_policy(sampler="tpe", pruner="none", steering=Steering(rule=RULE)),
    "TPE + probe and rule": make_policy(
        sampler="tpe", pruner="none", steering=Steering(probe=PROBE, rule=RULE)
    ),
    "TPE + ASHA + rule": make_policy(sampler="tpe", pruner="asha", steering=Steering(rule=RULE)),
    "TPE + ASHA in steps": make_policy(sampler="tpe", pruner="asha", steering=Steering(rungs=RUNGS)),
    "TPE + ASHA in steps + rule": make_policy(
        sampler="tpe", pruner="asha", steering=Steering(rule=RULE, rungs=RUNGS)
    ),
}
