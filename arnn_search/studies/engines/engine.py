"""The face of an engine. Engines only propose: what happened is in the ledger, and they are shown it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
        parameters: by name.
        distributions: what the parameters were drawn from.
        intermediate_values: score by epoch.
        notes: what the engine itself noted when it proposed this trial.
    """

    state: TrialState = TrialState.RUNNING
    value: float | None = None
    parameters: Mapping[str, Value] = field(default_factory=dict)
    distributions: Mapping[str, BaseDistribution] = field(default_factory=dict)
    intermediate_values: Mapping[int, float] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)


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


class Engine(ABC):
    """Proposes trials from a history that it is given: it holds no state that a crash could take."""

    @abstractmethod
    def propose(
        self, number: int, history: Sequence[PastTrial], *, fixed: Mapping[str, Value] | None = None
    ) -> Proposal:
        """Opens a proposal.

        Args:
            number: the trial's number.
            history: the trials 0 to number - 1.
            fixed: values that are settled, because the trial is run again.
        """
