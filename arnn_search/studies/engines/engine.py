"""The face of an engine. Engines only propose: what happened is in the ledger, and they are shown it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.trial import TrialState

from arnn_search.spaces.parameters import Parameter, Value


@dataclass(frozen=True)
class PastTrial:
    """A trial as an engine sees it.

    Attributes:
        state: how it ended; RUNNING also stands for one whose end is not to be known yet.
        value: its score, if it completed.
        parameters: by name; of running trials only if the engine needs them.
        distributions: what the parameters were drawn from.
        intermediate_values: score by epoch.
        notes: what the engine itself noted in the course of this trial; of ended trials only.
        opening: what the engine itself noted when it opened this trial's proposal.
        values: its scores, if it completed and the study has several objectives.
        rungs: the scores by epoch, if the study has several objectives.
        constraints: how far it breaks each limit of the study; above 0 it is infeasible.
        race: its training loss at rungs of its first steps, by step.
    """

    state: TrialState = TrialState.RUNNING
    value: float | None = None
    parameters: Mapping[str, Value] = field(default_factory=dict)
    distributions: Mapping[str, BaseDistribution] = field(default_factory=dict)
    intermediate_values: Mapping[int, float] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)
    opening: Mapping[str, Any] = field(default_factory=dict)
    constraints: Mapping[str, float] = field(default_factory=dict)
    values: Sequence[float] = ()
    rungs: Mapping[int, Sequence[float]] = field(default_factory=dict)
    race: Mapping[int, float] = field(default_factory=dict)

    @property
    def is_feasible(self) -> bool:
        """Whether it keeps every limit, as far as they are known."""
        return all(value <= 0 for value in self.constraints.values())


class Readiness(Enum):
    """Whether an engine has a proposal."""

    READY = "ready"
    WAITING = "waiting"
    """Not before it knows how a running trial ends."""
    EXHAUSTED = "exhausted"
    """Everything has been proposed."""


@dataclass(frozen=True)
class Schedule:
    """The epochs that a proposal asks for, where they are not those of a full trial.

    Attributes:
        first_epoch: how many epochs were trained before.
        last_epoch: up to which epoch to train.
        continues: the number of the trial whose weights it goes on with; None to start afresh.
        may_be_continued: whether a later trial may go on with this one's weights.
    """

    first_epoch: int
    last_epoch: int
    continues: int | None = None
    may_be_continued: bool = False


class Proposal(ABC):
    """An open proposal: gives values one by one, as the space asks for them."""

    @abstractmethod
    def suggest(self, parameter: Parameter) -> Value:
        """The value of a parameter.

        Raises:
            ValueError: the parameter contradicts what it was in an earlier trial.
        """

    @abstractmethod
    def should_prune(self, epoch: int, value: float) -> bool:
        """Whether the trial is not worth going on with, after this score in this epoch."""

    @property
    @abstractmethod
    def notes(self) -> dict[str, Any]:
        """What the engine wants to find in this trial later; JSON data."""

    @property
    def opening(self) -> dict[str, Any]:
        """What the engine wants to know of this trial even while it runs; JSON data."""
        return {}

    @property
    def schedule(self) -> Schedule | None:
        """Which epochs to train; None for a full trial."""
        return None


class Engine(ABC):
    """Proposes trials from a history that it is given: it holds no state that a crash could take."""

    @property
    def needs_values(self) -> bool:
        """Whether it must know the parameters of every earlier trial, running ones too."""
        return False

    @property
    def resamples(self) -> bool:
        """Whether it can propose something else for the same trial."""
        return True

    def restore(self, history: Sequence[PastTrial]) -> None:
        """Is shown the whole record once, before the first proposal to a study that has trials already."""
        del history  # an engine without a memory has nothing to restore

    def readiness(self, number: int, history: Sequence[PastTrial]) -> Readiness:
        """Whether trial `number` can be proposed from this history. Asking again changes nothing."""
        del number, history
        return Readiness.READY

    @abstractmethod
    def propose(
        self,
        number: int,
        history: Sequence[PastTrial],
        *,
        fixed: Mapping[str, Value] | None = None,
        tries: int = 0,
    ) -> Proposal:
        """Opens a proposal.

        Args:
            number: the trial's number.
            history: the trials 0 to number - 1.
            fixed: values that are settled, because the trial is run again.
            tries: how many proposals for this trial were of no use, because what they stand for has been
                evaluated already; always 0 unless the engine resamples.
        """

    def close(self) -> None:
        """Ends what the engine has started."""
        return None
