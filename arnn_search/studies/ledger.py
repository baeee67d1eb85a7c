"""The ledger: one Optuna study to which everything that happens is written, whichever engine proposes."""

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import optuna
from optuna.distributions import BaseDistribution, check_distribution_compatibility
from optuna.storages import BaseStorage
from optuna.trial import FixedTrial, FrozenTrial, Trial, TrialState

from arnn_search.errors import StudyError
from arnn_search.spaces.parameters import Parameter, Value
from arnn_search.studies.ledger_file import EPOCH as _EPOCH
from arnn_search.studies.ledger_file import PREFIX as _PREFIX
from arnn_search.studies.ledger_file import LedgerStorage
from arnn_search.studies.patience import Patience, patiently
from arnn_search.studies.storage import FILE_NAME, exclusively, open_storage, without_password

Direction = Literal["maximize", "minimize"]

T = TypeVar("T")

_RUNG = f"{_PREFIX}rung:"
_TIME = f"{_PREFIX}time"
"""Of an epoch, among its metrics."""


class Ledger:
    """The record of a study: its attributes, and its trials with their parameters, epochs and endings.

    Args:
        study: the Optuna study, opened or created by `open_ledger` or `create_ledger`.
        storage: what it is kept in.

    Attributes:
        patience: with which everything here is done while its disk is full or its database away.
    """

    def __init__(self, study: optuna.Study, storage: BaseStorage) -> None:
        self.patience = Patience()
        self._recorder = _Recorder()
        study.sampler = self._recorder
        self._study, self._storage = study, storage
        self._distributions: dict[str, BaseDistribution] = {}

    @patiently
    def claim(self, claim: Callable[[], T]) -> T:
        """Calls a function within which no other supervisor claims a trial of this study.

        It is called again, as a whole, if the database has lost the claim on the way.
        """
        with exclusively(self._storage, self._study.study_name):
            return claim()

    @property
    def storage(self) -> BaseStorage:
        """What it is kept in."""
        return self._storage

    @property
    def direction(self) -> str:
        """`"maximize"` or `"minimize"`; of several objectives, that of the study's metric."""
        directions = self.directions
        return directions[0] if len(directions) == 1 else str(self.attributes["direction"])

    @property
    def directions(self) -> list[str]:
        """`"maximize"` or `"minimize"`, for each objective."""
        return [direction.name.lower() for direction in self._study.directions]

    @property
    @patiently
    def attributes(self) -> dict[str, Any]:
        """The study's own attributes."""
        return {
            name.removeprefix(_PREFIX): value
            for name, value in self._study.user_attrs.items()
            if name.startswith(_PREFIX)
        }

    @patiently
    def set_attribute(self, name: str, value: Any) -> None:
        """Writes an attribute of the study; JSON data only."""
        self._study.set_user_attr(_PREFIX + name, value)

    @patiently
    def trials(self) -> list[FrozenTrial]:
        """Every trial, in order of the number; not to be changed."""
        return self._study.get_trials(deepcopy=False)

    def save_digest(self) -> None:
        """Writes beside a ledger in a file what opens it faster; of use when there are many trials."""
        if isinstance(self._storage, LedgerStorage):
            file = self._storage.file
            trials, offset = self.trials(), file.offset
            attributes = self._study.user_attrs
            if file.offset == offset:  # else another process has written something in between
                file.digest.save(attributes=attributes, trials=trials, offset=offset)

    @patiently
    def start_trial(self) -> "LedgerTrial":
        """Adds a running trial."""
        return self._as_trial(self._study.ask())

    def reopen_trial(self, number: int) -> "LedgerTrial":
        """A running trial whose attempt was lost, to be run again."""
        frozen = self.trials()[number]
        return self._as_trial(Trial(self._study, frozen._trial_id))

    def _as_trial(self, trial: Trial) -> "LedgerTrial":
        return LedgerTrial(trial, self._recorder, self._study, self._distributions, patience=self.patience)


class LedgerTrial:
    """The running trial that an attempt writes to."""

    def __init__(
        self,
        trial: Trial,
        recorder: "_Recorder",
        study: optuna.Study,
        distributions: dict[str, BaseDistribution],
        *,
        patience: Patience,
    ) -> None:
        self.patience = patience
        self._owner: str | None = None
        self._trial, self._recorder, self._study = trial, recorder, study
        self._distributions = distributions

    @property
    def number(self) -> int:
        """The trial's number, from 0."""
        return self._trial.number

    @patiently
    def record(self, parameter: Parameter, value: Value) -> None:
        """Writes the value that a parameter has been given."""
        with self._recorder.answering(parameter.name, value):
            parameter.suggest(self._trial)

    @patiently
    def check(self, parameter: Parameter, value: Value) -> None:
        """Makes sure that a value of a parameter can be recorded.

        Raises:
            ValueError: the parameter contradicts what it was in an earlier trial.
        """
        fixed = FixedTrial({parameter.name: value})
        parameter.suggest(fixed)
        first = self._first_distribution(parameter.name)
        if first is not None:
            check_distribution_compatibility(first, fixed.distributions[parameter.name])

    def _first_distribution(self, name: str) -> BaseDistribution | None:
        """What a parameter was drawn from when the study first asked for it; it is looked for once."""
        if name not in self._distributions:
            for trial in self._study.get_trials(deepcopy=False):
                if name in trial.distributions:
                    self._distributions[name] = trial.distributions[name]
                    break
        return self._distributions.get(name)

    def own(self, supervisor: str) -> None:
        """Writes down whose it is."""
        self.set_attribute("supervisor", supervisor)
        self._owner = supervisor

    @property
    @patiently
    def is_taken_over(self) -> bool:
        """Whether it is another supervisor's by now, which took this one for lost, or has ended it."""
        recorded = self.recorded
        owner = recorded.user_attrs.get(f"{_PREFIX}supervisor")
        return recorded.state.is_finished() or owner != self._owner

    @property
    @patiently
    def recorded(self) -> FrozenTrial:
        """What is written of it; not to be changed."""
        return self._trial.storage.get_trial(self._trial._trial_id)

    @patiently
    def report(
        self, epoch: int, value: float | None, metrics: Mapping[str, float], *, milliseconds: int
    ) -> None:
        """Writes an epoch: the score for the pruners, every metric that is a finite number, and the time.

        What an earlier attempt has reported of the epoch is replaced.

        Args:
            epoch: from 1.
            value: the score; None if there is none, or several.
            metrics: of the epoch.
            milliseconds: when it was reported, since 1970.
        """
        if value is not None and math.isfinite(value):
            self._trial.storage.set_trial_intermediate_value(self._trial._trial_id, epoch, value)
        finite = {name: number for name, number in metrics.items() if math.isfinite(number)}
        self._trial.set_user_attr(f"{_EPOCH}{epoch:05d}", finite | {_TIME: milliseconds})

    @patiently
    def forget(self, epoch: int) -> None:
        """Takes back an epoch of an earlier attempt, which this one has not come to."""
        self._trial.set_user_attr(f"{_EPOCH}{epoch:05d}", {})

    @patiently
    def set_attribute(self, name: str, value: Any) -> None:
        """Writes an attribute of the trial; JSON data only."""
        self._trial.set_user_attr(_PREFIX + name, value)

    @patiently
    def set_constraints(self, constraints: Mapping[str, float]) -> None:
        """Writes how far each limit is exceeded, unless it was written in an earlier attempt."""
        known = self._trial.constraints
        for name, value in constraints.items():
            if name not in known:
                self._trial.set_constraint(name, value)

    @patiently
    def set_rung(self, epoch: int, values: Sequence[float]) -> None:
        """Writes the scores of an epoch, where there are several objectives."""
        self._trial.set_user_attr(f"{_RUNG}{epoch:05d}", list(values))

    @patiently
    def finish(self, state: TrialState, values: Sequence[float] | None = None) -> None:
        """Ends the trial, unless an attempt whose answer was lost has done so."""
        if self.recorded.state.is_finished():
            return
        self._study.tell(self._trial, values if state == TrialState.COMPLETE else None, state=state)
        self._share_distributions(self.recorded)

    def _share_distributions(self, trial: FrozenTrial) -> None:
        """Keeps equal distributions of the trials once in memory."""
        for name, own in trial.distributions.items():
            first = self._distributions.setdefault(name, own)
            # Not `==`, by which the choices 1 and True are the same.
            if repr(first) == repr(own):
                trial.distributions[name] = first


def trial_attributes(trial: FrozenTrial) -> dict[str, Any]:
    """The attributes that `LedgerTrial.set_attribute` wrote."""
    return {
        name.removeprefix(_PREFIX): value
        for name, value in trial.user_attrs.items()
        if not name.startswith((_EPOCH, _RUNG)) and name.startswith(_PREFIX)
    }


def trial_attribute(trial: FrozenTrial, name: str, default: Any = None) -> Any:
    """One of them."""
    return trial.user_attrs.get(_PREFIX + name, default)


def trial_rungs(trial: FrozenTrial) -> dict[int, tuple[float, ...]]:
    """The scores of each epoch, by epoch from 1, where there are several objectives."""
    return {
        int(name.removeprefix(_RUNG)): tuple(value)
        for name, value in sorted(trial.user_attrs.items())
        if name.startswith(_RUNG)
    }


def trial_epochs(trial: FrozenTrial) -> dict[int, dict[str, float]]:
    """The metrics of each epoch that was reported, by epoch from 1."""
    return {
        epoch: {name: number for name, number in metrics.items() if name != _TIME}
        for epoch, metrics in _recorded_epochs(trial)
    }


def trial_times(trial: FrozenTrial) -> dict[int, int]:
    """When each epoch was reported, by epoch from 1, in milliseconds since 1970."""
    return {epoch: metrics[_TIME] for epoch, metrics in _recorded_epochs(trial) if _TIME in metrics}


def last_reported(trial: FrozenTrial) -> int:
    """When the last epoch was reported, in milliseconds since 1970; 0 if that is not known."""
    metrics: Any = trial.user_attrs.get(f"{_EPOCH}{max(reported_epochs(trial), default=0):05d}") or {}
    return int(metrics.get(_TIME, 0))


def _recorded_epochs(trial: FrozenTrial) -> list[tuple[int, dict[str, Any]]]:
    """Without those that were taken back; each read once."""
    return [
        (int(name.removeprefix(_EPOCH)), dict(metrics.items()))
        for name, metrics in sorted(trial.user_attrs.items())
        if name.startswith(_EPOCH) and metrics
    ]


def reported_epochs(trial: FrozenTrial) -> list[int]:
    """The epochs that were reported, from 1, in no order."""
    return [
        int(name.removeprefix(_EPOCH))
        for name, metrics in trial.user_attrs.items()
        if name.startswith(_EPOCH) and metrics
    ]


def best_metrics(trial: FrozenTrial) -> dict[str, float]:
    """The metrics of the trial's best epoch, whose weights are kept; of its last one if none was best."""
    best = trial_attribute(trial, "best_epoch") or max(reported_epochs(trial), default=0)
    metrics: dict[str, Any] = trial.user_attrs.get(f"{_EPOCH}{best:05d}") or {}
    return {name: number for name, number in metrics.items() if name != _TIME}


def is_feasible(trial: FrozenTrial) -> bool:
    """Whether it keeps every limit of the study, as far as they are known."""
    return all(value <= 0 for value in trial.constraints.values())


def create_ledger(
    directory: Path,
    name: str,
    *,
    direction: Direction = "maximize",
    directions: Sequence[Direction] = (),
    storage: str | None = None,
) -> Ledger:
    """Creates the ledger of a new study.

    Args:
        directory: the study's folder.
        name: the study's name.
        direction: whether a larger score is better.
        directions: of several objectives, instead.
        storage: address of a database; None for a file in the folder.

    Raises:
        StudyError: the database does not answer, or holds a study of this name.
    """
    opened = open_storage(directory, storage)
    try:
        with quiet_optuna():
            study = optuna.create_study(
                storage=opened, study_name=name, directions=list(directions) or [direction]
            )
    except optuna.exceptions.DuplicatedStudyError:
        raise StudyError(f"{_place(directory, storage)} holds a study called {name!r} already.") from None
    return Ledger(study, opened)


def open_ledger(directory: Path, name: str, *, storage: str | None = None) -> Ledger:
    """Opens the ledger of a study.

    Raises:
        StudyError: there is none, or the database does not answer.
    """
    ledger = find_ledger(directory, name, storage=storage)
    if ledger is None:
        raise StudyError(f"{_place(directory, storage)} holds no study called {name!r}.")
    return ledger


def find_ledger(directory: Path, name: str, *, storage: str | None = None) -> Ledger | None:
    """The ledger of a study if there is one; see `open_ledger`."""
    if storage is None and not (directory / FILE_NAME).is_file():
        return None
    opened = open_storage(directory, storage)
    try:
        with quiet_optuna():
            return Ledger(optuna.load_study(storage=opened, study_name=name), opened)
    except KeyError:
        return None


def _place(directory: Path, storage: str | None) -> str:
    return str(directory / FILE_NAME) if storage is None else f"The ledger at {without_password(storage)}"


@contextlib.contextmanager
def quiet_optuna() -> Iterator[None]:
    """Keeps Optuna's progress lines from the terminal, and leaves the user's own setting as it was."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(max(verbosity, optuna.logging.WARNING))
    try:
        yield
    finally:
        optuna.logging.set_verbosity(verbosity)


class _Recorder(optuna.samplers.BaseSampler):
    """Answers `suggest_...` with a value that was decided elsewhere, which Optuna then writes down."""

    def __init__(self) -> None:
        self._answer: tuple[str, Value] | None = None

    @contextlib.contextmanager
    def answering(self, name: str, value: Value) -> Iterator[None]:
        self._answer = (name, value)
        try:
            yield
        finally:
            self._answer = None

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return {}

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return {}

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        if self._answer is None or self._answer[0] != param_name:
            raise RuntimeError(f"Nothing was decided for parameter {param_name!r}.")
        return self._answer[1]

    def after_trial(
        self, study: optuna.Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        """Nothing to learn here: the engine learns from the ledger."""
