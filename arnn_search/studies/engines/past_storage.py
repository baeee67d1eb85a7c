"""A storage that shows a proposal the past without copying any of it."""

import copy
from collections.abc import Container, Sequence
from datetime import datetime
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

_STUDY = 0


class PastStorage(BaseStorage):
    """Holds one study: trials of the past, which are only read, and trials that are added to it.

    What is written to an added trial is written to a copy, so that trials which were handed out stay as they
    were. What samplers note of the study is forgotten with it.

    Args:
        name: the study's name.
        past: the trials that there are; the number of each is its place, and so is its id.
    """

    def __init__(self, name: str, past: Sequence[FrozenTrial]) -> None:
        self._name = name
        self._trials = list(past)
        self._num_past = len(self._trials)
        self._directions: list[StudyDirection] = []
        self._user_attrs: dict[str, Any] = {}
        self._system_attrs: dict[str, Any] = {}

    def create_new_study(self, directions: Sequence[StudyDirection], study_name: str | None = None) -> int:
        self._directions = list(directions)
        return _STUDY

    def delete_study(self, study_id: int) -> None:
        raise NotImplementedError("The past is there to be read.")

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        self._user_attrs = self._user_attrs | {key: value}

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        self._system_attrs = self._system_attrs | {key: value}

    def get_study_id_from_name(self, study_name: str) -> int:
        return _STUDY

    def get_study_name_from_id(self, study_id: int) -> str:
        return self._name

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        return self._directions

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        return self._user_attrs

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        return self._system_attrs

    def get_all_studies(self) -> list[Any]:
        raise NotImplementedError("There is one study here, which its maker holds.")

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        number = len(self._trials)
        if template_trial is not None:
            trial = copy.copy(template_trial)
            trial.number, trial._trial_id = number, number
        else:
            trial = FrozenTrial(
                number=number,
                trial_id=number,
                state=TrialState.RUNNING,
                value=None,
                datetime_start=datetime.now(),
                datetime_complete=None,
                params={},
                distributions={},
                user_attrs={},
                system_attrs={},
                intermediate_values={},
            )
        self._trials.append(trial)
        return number

    def set_trial_param(
        self,
        trial_id: int,
        param_name: str,
        param_value_internal: float,
        distribution: BaseDistribution,
    ) -> None:
        trial = self._writable(trial_id)
        value = distribution.to_external_repr(param_value_internal)
        trial.params = trial.params | {param_name: value}
        trial.distributions = trial.distributions | {param_name: distribution}

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        if state == TrialState.RUNNING and self._trials[trial_id].state != TrialState.WAITING:
            return False
        trial = self._writable(trial_id)
        trial.state = state
        if values is not None:
            trial.values = list(values)
        if state == TrialState.RUNNING:
            trial.datetime_start = datetime.now()
        elif state.is_finished():
            trial.datetime_complete = datetime.now()
        return True

    def set_trial_intermediate_value(self, trial_id: int, step: int, intermediate_value: float) -> None:
        trial = self._writable(trial_id)
        trial.intermediate_values = trial.intermediate_values | {step: intermediate_value}

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        trial = self._writable(trial_id)
        trial.user_attrs = trial.user_attrs | {key: value}

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        trial = self._writable(trial_id)
        trial.system_attrs = trial.system_attrs | {key: value}

    def get_trial(self, trial_id: int) -> FrozenTrial:
        return self._trials[trial_id]

    def get_trial_id_from_study_id_trial_number(self, study_id: int, trial_number: int) -> int:
        return trial_number

    def get_trial_number_from_id(self, trial_id: int) -> int:
        return trial_id

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        if states == (TrialState.WAITING,):  # none of the past waits; asked for at every proposal
            found = [trial for trial in self._trials[self._num_past :] if trial.state == TrialState.WAITING]
        elif states is None:
            found = self._trials.copy()
        else:
            found = [trial for trial in self._trials if trial.state in states]
        return copy.deepcopy(found) if deepcopy else found

    def _writable(self, trial_id: int) -> FrozenTrial:
        self.check_trial_is_updatable(trial_id, self._trials[trial_id].state)
        self._trials[trial_id] = copy.copy(self._trials[trial_id])
        return self._trials[trial_id]
