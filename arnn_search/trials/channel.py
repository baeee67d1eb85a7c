"""The narrow channel between a trial and its supervisor."""

from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

from arnn_search.errors import ArnnSearchError
from arnn_search.spaces.parameters import Parameter, Value
from arnn_search.trials.outcome import TrialOutcome


class ChannelClosedError(ArnnSearchError, ConnectionError):
    """The supervisor is gone: the trial has nobody left to report to, and ends."""


class SuggestionError(ArnnSearchError, ValueError):
    """The supervisor could not answer a suggestion; the message says why."""


@dataclass(frozen=True)
class EpochReport:
    """What a trial reports at the end of an epoch.

    Attributes:
        epoch: counts from 1.
        metrics: by their names in MLflow; values that are not finite are part of the report.
        seconds: wall time since the trial began to train.
    """

    epoch: int
    metrics: Mapping[str, float]
    seconds: float


@dataclass(frozen=True)
class RungReport:
    """What a trial reports at a rung of its first steps.

    Attributes:
        step: of the rung.
        loss: mean training loss of the last steps before it.
    """

    step: int
    loss: float


@dataclass(frozen=True)
class FirstSteps:
    """How a candidate has done.

    Attributes:
        loss: mean training loss of the later half of its steps, infinity if it is not finite; None if it
            could not be trained.
        problem: why it could not.
    """

    loss: float | None
    problem: str = ""


@dataclass(frozen=True)
class Built:
    """What a trial has built, before it trains.

    Attributes:
        architecture: the hash of the network and its training choices.
        num_parameters: weights of the model.
        rotated_layers: how many layers rotate.
        latency_ms: time for one sample, if it was to be measured.
        training_bytes: an estimate of what training it takes, if one can be made.
    """

    architecture: str
    num_parameters: int
    rotated_layers: int = 0
    latency_ms: float | None = None
    training_bytes: int | None = None


@dataclass(frozen=True)
class Verdict:
    """What a trial is to do with what it has built: train it, unless something else is said.

    Attributes:
        build_again: ask for every value again and build another one.
        candidate_steps: train it for so many steps only, tell the loss, and build another one; 0 unless it
            is one of several candidates.
        outcome: end with this instead of training.
    """

    build_again: bool = False
    candidate_steps: int = 0
    outcome: TrialOutcome | None = None


class Channel(Protocol):
    """What a trial may say, and what it is answered. Runs over a pipe, or as direct calls."""

    def suggest(self, parameter: Parameter) -> Value:
        """Asks for the value of a parameter."""

    def built(self, built: Built) -> Verdict:
        """Tells what has been built, before it is trained; answers what becomes of it."""

    def competed(self, report: FirstSteps) -> bool:
        """Tells how a candidate has done; answers whether it was one, and another is to be built."""

    def probed(self, metrics: Mapping[str, float]) -> TrialOutcome | None:
        """Tells the health at initialisation; answers how to end instead of training, or None to train."""

    def raced(self, report: RungReport) -> str | None:
        """Reports the training loss at a rung of the first steps; answers why to stop, or None to go on."""

    def report(self, report: EpochReport) -> str | None:
        """Reports an epoch; answers with the reason to stop now, or None to go on."""

    def checkpoint(self, path: Path, epoch: int) -> None:
        """Tells that the state after an epoch is in a file of the trial's folder, and is to outlive it."""

    def event(self, name: str, details: Mapping[str, Any]) -> None:
        """Tells something that needs no answer."""


class PipeChannel:
    """A channel over a pipe: requests are tuples `(kind, payload)`, answers `(succeeded, payload)`.

    Args:
        connection: the trial's end of a duplex pipe.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def suggest(self, parameter: Parameter) -> Value:
        value: Value = self._ask("suggest", parameter)
        return value

    def built(self, built: Built) -> Verdict:
        verdict: Verdict = self._ask("built", built)
        return verdict

    def competed(self, report: FirstSteps) -> bool:
        goes_on: bool = self._ask("competed", report)
        return goes_on

    def probed(self, metrics: Mapping[str, float]) -> TrialOutcome | None:
        outcome: TrialOutcome | None = self._ask("probed", dict(metrics))
        return outcome

    def raced(self, report: RungReport) -> str | None:
        reason: str | None = self._ask("raced", report)
        return reason

    def report(self, report: EpochReport) -> str | None:
        reason: str | None = self._ask("report", report)
        return reason

    def checkpoint(self, path: Path, epoch: int) -> None:
        # The supervisor's file too: the folder is one. Its answer says that others find it by now.
        self._ask("checkpoint", (path, epoch))

    def event(self, name: str, details: Mapping[str, Any]) -> None:
        self._send("event", (name, dict(details)))

    def _ask(self, kind: str, payload: Any) -> Any:
        self._send(kind, payload)
        try:
            succeeded, answer = self._connection.recv()
        except (EOFError, OSError) as error:
            raise ChannelClosedError("The supervisor closed the channel.") from error
        if not succeeded:
            raise SuggestionError(answer)
        return answer

    def _send(self, kind: str, payload: Any) -> None:
        try:
            self._connection.send((kind, payload))
        except OSError as error:
            raise ChannelClosedError("The supervisor closed the channel.") from error
