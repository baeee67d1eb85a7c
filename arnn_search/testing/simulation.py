"""A study without training: a search space and a score that are formulas, run by an engine alone."""

import random
from collections.abc import Callable, Mapping
from typing import Any

import optuna
from optuna.trial import TrialState

from arnn_search.spaces.parameters import Parameter, Value
from arnn_search.studies.engines.engine import Engine, PastTrial, Proposal, Readiness

Ask = Callable[[Parameter], Value]

FAMILY = Parameter("family", "categorical", choices=("classic", "ar"), default="classic")
LEVEL = Parameter("level", "float", low=0.0, high=1.0, step=0.25, default=0.0)
WIDTH = Parameter("width", "int", low=1, high=9, step=2, default=1, conditions=(("family", ("classic",)),))
LIMIT = Parameter(
    "limit", "float", low=0.25, high=1.0, step=0.25, default=1.0, conditions=(("family", ("ar",)),)
)

NUM_COMBINATIONS = 5 * (5 + 4)
"""Of the values of `conditional_space`."""


def conditional_space(ask: Ask) -> None:
    """A level, a family, and a width or a limit, as the family is."""
    ask(LEVEL)
    if ask(FAMILY) == "ar":
        ask(LIMIT)
    else:
        ask(WIDTH)


def simple_score(values: Mapping[str, Value], epoch: int, num_epochs: int) -> float:
    """Best at the level 0.5, and better with every epoch."""
    level, width = float(values["level"]), float(values.get("width", 5))
    return (1 - abs(level - 0.5)) * (1 + epoch / num_epochs) + width / 100


class SimulatedStudy:
    """Runs an engine's proposals one after the other, and keeps the record as the ledger would.

    Args:
        engine: proposes.
        epochs: epochs of a full trial.
        space: asks for parameters, one after the other.
        score: of values after an epoch; larger is better.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        epochs: int = 9,
        space: Callable[[Ask], None] = conditional_space,
        score: Callable[[Mapping[str, Value], int, int], float] = simple_score,
    ) -> None:
        self.engine, self.epochs, self.space, self.score = engine, epochs, space, score
        self.history: list[PastTrial] = []

    def run(self, length: int) -> list[PastTrial]:
        """Runs until there are so many trials, or nothing is left to propose; returns all of them."""
        while len(self.history) < length:
            number = len(self.history)
            if self.engine.readiness(number, self.history) is not Readiness.READY:
                break
            self.history.append(self.run_trial(self.engine.propose(number, self.history)))
        return self.history

    def run_trial(self, proposal: Proposal, state: TrialState = TrialState.COMPLETE) -> PastTrial:
        """Runs one proposal to its end, which is `state` unless it is pruned."""
        opening = proposal.opening
        values, distributions = self.values(proposal)
        reported: dict[int, float] = {}
        first, last = 0, self.epochs
        if proposal.schedule is not None:
            first, last = proposal.schedule.first_epoch, proposal.schedule.last_epoch
        for epoch in range(first + 1, last + 1):
            reported[epoch] = self.score(values, epoch, self.epochs)
            if epoch < last and proposal.should_prune(epoch, reported[epoch]):
                state = TrialState.PRUNED
                break
        return PastTrial(
            state=state,
            value=max(reported.values()) if state == TrialState.COMPLETE else None,
            parameters=values,
            distributions=distributions,
            intermediate_values=reported,
            notes=proposal.notes,
            opening=opening,
        )

    def values(self, proposal: Proposal) -> tuple[dict[str, Value], dict[str, Any]]:
        """What a proposal gives when the space asks, and what it was drawn from."""
        values: dict[str, Value] = {}
        parameters: list[Parameter] = []

        def ask(parameter: Parameter) -> Value:
            parameters.append(parameter)
            values[parameter.name] = proposal.suggest(parameter)
            return values[parameter.name]

        self.space(ask)
        return values, {parameter.name: distribution_of(parameter) for parameter in parameters}


def distribution_of(parameter: Parameter) -> Any:
    """The parameter's distribution in Optuna's ledger."""
    trial = optuna.trial.FixedTrial({parameter.name: parameter.default})
    parameter.suggest(trial)
    return trial.distributions[parameter.name]


def shuffled_failures(history: list[PastTrial], *, seed: int = 0) -> list[PastTrial]:
    """The same history, in which a third of the trials failed and a third still run."""
    generator = random.Random(seed)
    changed = []
    for past in history:
        chance = generator.random()
        if chance < 1 / 3:
            changed.append(
                PastTrial(TrialState.FAIL, None, past.parameters, past.distributions, opening=past.opening)
            )
        elif chance < 2 / 3:
            changed.append(PastTrial(opening=past.opening))
        else:
            changed.append(past)
    return changed
