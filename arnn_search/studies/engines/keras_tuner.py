"""KerasTuner as an engine: its own oracles, in a process beside the supervisor.

An oracle is a stateful thing: it creates trials in their order, and is told how they end. What it was told
before it created which trial is noted with each trial, so that the ledger is enough to bring another oracle
into the same state.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from optuna.trial import TrialState

from arnn_search.errors import StudyError
from arnn_search.execution.companion import Companion, CompanionLostError
from arnn_search.spaces.parameters import Parameter, Value
from arnn_search.studies.engines.engine import Engine, PastTrial, Proposal, Readiness, Schedule
from arnn_search.studies.engines.optuna import OptunaEngine, OptunaProposal
from arnn_search.studies.engines.tuner_config import (
    is_value_of,
    parameter_as_json,
    parameter_from_distribution,
    parameter_from_json,
    tuner_config,
)
from arnn_search.studies.ledger import Direction
from arnn_search.studies.options import Options

HOST = "arnn_search.studies.engines.oracle_host:OracleHost"
_READINESS = {"RUNNING": Readiness.READY, "IDLE": Readiness.WAITING, "STOPPED": Readiness.EXHAUSTED}


@dataclass(frozen=True)
class _Created:
    """A trial: its values, whose ends the oracle was told just before, and whether it is the oracle's own."""

    values: Mapping[str, Any]
    told: tuple[int, ...]
    is_own: bool


class KerasTunerEngine(Engine):
    """Proposes what an oracle of KerasTuner proposes; Optuna's pruners judge.

    The oracle knows the parameters that the space's defaults ask for, and learns others when a trial that
    asked for them has ended. In the trial that first asks for one, its value is its default with the grid
    oracle, as KerasTuner does it, and else drawn at random by the trial's own seed.

    Args:
        oracle: a name of `choices.ORACLES`. With hyperband nothing is pruned: its rounds are the pruning.
        pruner: as `OptunaEngine` takes it.
        direction: `"maximize"` or `"minimize"`.
        epochs: epochs of a full trial.
        seed: the study's seed.
        study_name: enters Optuna's Hyperband pruner's choice of a bracket.
        space: the parameters that the space's defaults ask for.
        imported: trials of another study, known from the start to the oracles that keep no books.
        pruner_options: as `OptunaEngine` takes them.
        start: starts the companion from its class and its arguments.
    """

    def __init__(
        self,
        *,
        oracle: str,
        pruner: str,
        direction: Direction,
        epochs: int,
        seed: int,
        study_name: str,
        space: Sequence[Parameter],
        start: Callable[..., Companion],
        imported: Sequence[PastTrial] = (),
        pruner_options: Options = MappingProxyType({}),
    ) -> None:
        self._judge = OptunaEngine(
            sampler="random",
            pruner="none" if oracle == "hyperband" else pruner,
            direction=direction,
            epochs=epochs,
            seed=seed,
            study_name=study_name,
            imported=imported,
            pruner_options={} if oracle == "hyperband" else pruner_options,
        )
        self._imported = tuple(imported)
        self._oracle, self._direction, self._epochs = oracle, direction, epochs
        configs = [tuner_config(parameter) for parameter in space]

        def start_host() -> Companion:
            return start(HOST, oracle, direction, seed, epochs, configs)

        self._start = start_host
        self._companion: Companion | None = None
        self._created: list[_Created] = []
        self._ended: dict[int, tuple[Any, ...]] = {}
        self._told_since: list[int] = []

    @property
    def resamples(self) -> bool:
        return False  # an oracle's trial is in its books, and has to end

    def restore(self, history: Sequence[PastTrial]) -> None:
        for number in range(len(self._created), len(history)):
            opening = history[number].opening
            told = opening.get("told")
            if told is None:  # a trial that this engine did not propose
                told = [earlier for earlier in range(number) if history[earlier].state.is_finished()]
            for earlier in told:
                if history[earlier].state.is_finished():
                    self._tell(earlier, history[earlier])
            is_own = "values" in opening
            self._create(number, opening["values"] if is_own else dict(history[number].parameters), is_own)

    def readiness(self, number: int, history: Sequence[PastTrial]) -> Readiness:
        if number < len(self._created):
            return Readiness.READY
        self.restore(history[:number])
        for earlier, past in enumerate(history):
            if past.state.is_finished():
                self._tell(earlier, past)
        return self._create(number, None)

    def propose(
        self,
        number: int,
        history: Sequence[PastTrial],
        *,
        fixed: Mapping[str, Value] | None = None,
        tries: int = 0,
    ) -> "KerasTunerProposal":
        if self.readiness(number, history) is not Readiness.READY:
            raise StudyError(f"KerasTuner's oracle {self._oracle!r} has no values for trial {number}.")
        created = self._created[number]
        return KerasTunerProposal(
            created.values,
            self._judge.propose(number, history),
            told=created.told,
            fixed=fixed or {},
            epochs=self._epochs,
            prefers_defaults=self._oracle == "grid",
        )

    def close(self) -> None:
        if self._companion is not None:
            self._companion.close()
            self._companion = None

    def _create(self, number: int, recorded: Mapping[str, Any] | None, is_own: bool = True) -> Readiness:
        status, values = self._call("create", number, recorded, is_own)
        if status == "RUNNING":
            values = values if recorded is None else recorded
            self._created.append(_Created(values, tuple(self._told_since), is_own))
            self._told_since = []
        return _READINESS[status]

    def _introduced(self, companion: Companion) -> Companion:
        """Shows a new oracle the trials of another study; their numbers are negative."""
        for number, past in enumerate(self._imported, start=-len(self._imported)):
            companion.call("create", number, dict(past.parameters), False)
            companion.call("end", *self._end_of(number, past))
        return companion

    def _tell(self, number: int, past: PastTrial) -> None:
        if number in self._ended:
            return
        end = self._end_of(number, past)
        self._call("end", *end)
        self._ended[number] = end
        self._told_since.append(number)

    def _end_of(self, number: int, past: PastTrial) -> tuple[Any, ...]:
        asked = past.notes.get("asked")
        parameters = (
            [parameter_from_json(data) for data in asked]
            if asked is not None
            else [parameter_from_distribution(name, one) for name, one in past.distributions.items()]
        )
        space = [tuner_config(parameter) for parameter in parameters]
        return number, self._score(past), space, dict(past.parameters)

    def _score(self, past: PastTrial) -> float | None:
        """A pruned trial counts with the best that it came to, and an infeasible one as failed.

        Oracles know nothing of pruning, and nothing of limits.
        """
        if not past.is_feasible:
            return None
        if past.state == TrialState.COMPLETE:
            return past.value
        if past.state == TrialState.PRUNED and past.intermediate_values:
            best = max if self._direction == "maximize" else min
            return best(past.intermediate_values.values())
        return None

    def _call(self, method: str, *arguments: Any) -> Any:
        if self._companion is None:
            self._companion = self._introduced(self._start())
        try:
            return self._companion.call(method, *arguments)
        except CompanionLostError:
            self._restart()
            return self._companion.call(method, *arguments)

    def _restart(self) -> None:
        """Another oracle, told all that the lost one was told."""
        self.close()
        self._companion = self._introduced(self._start())
        for number, created in enumerate(self._created):
            for earlier in created.told:
                self._companion.call("end", *self._ended[earlier])
            self._companion.call("create", number, created.values, created.is_own)
        for earlier in self._told_since:
            self._companion.call("end", *self._ended[earlier])


class KerasTunerProposal(Proposal):
    """The oracle's values; what it has none for is drawn by the judge, which also prunes."""

    def __init__(
        self,
        values: Mapping[str, Any],
        judge: OptunaProposal,
        *,
        told: tuple[int, ...],
        fixed: Mapping[str, Value],
        epochs: int,
        prefers_defaults: bool,
    ) -> None:
        self._values, self._judge, self._told = values, judge, told
        self._fixed, self._epochs, self._prefers_defaults = fixed, epochs, prefers_defaults
        self._asked: dict[str, Parameter] = {}

    def suggest(self, parameter: Parameter) -> Value:
        self._asked[parameter.name] = parameter
        for values in (self._fixed, self._values):
            if parameter.name in values and is_value_of(parameter, values[parameter.name]):
                return _typed(parameter, values[parameter.name])
        default = parameter.default
        if self._prefers_defaults and default is not None and is_value_of(parameter, default):
            return _typed(parameter, default)
        return self._judge.suggest(parameter)

    def should_prune(self, epoch: int, value: float) -> bool:
        return self._judge.should_prune(epoch, value)

    @property
    def notes(self) -> dict[str, Any]:
        asked = [parameter_as_json(parameter) for parameter in self._asked.values()]
        return self._judge.notes | {"asked": asked}

    @property
    def opening(self) -> dict[str, Any]:
        return {"told": list(self._told), "values": dict(self._values)}

    @property
    def schedule(self) -> Schedule | None:
        if "tuner/epochs" not in self._values:
            return None
        last_epoch = int(self._values["tuner/epochs"])
        continues = self._values.get("tuner/trial_id")
        return Schedule(
            first_epoch=int(self._values["tuner/initial_epoch"]),
            last_epoch=last_epoch,
            continues=None if continues is None else int(continues),
            may_be_continued=last_epoch < self._epochs,
        )


def _typed(parameter: Parameter, value: Value) -> Value:
    if parameter.kind == "categorical":
        return value
    return int(value) if parameter.kind == "int" else float(value)
