"""Where one of KerasTuner's oracles lives: creates its trials, and tells it how they ended."""

import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import keras_tuner

from arnn_search.studies.engines.oracles import make_oracle

_METRIC = "score"


class OracleHost:
    """One oracle, driven by trial numbers. Lives in a process beside the supervisor.

    Args:
        name: of `choices.ORACLES`.
        direction: `"maximize"` or `"minimize"`.
        seed: the study's seed.
        epochs: epochs of a full trial.
        space: the parameters that are known from the start, as KerasTuner's configurations of them.
    """

    def __init__(
        self, name: str, direction: str, seed: int, epochs: int, space: Sequence[Mapping[str, Any]]
    ) -> None:
        self._oracle = make_oracle(name, direction=direction, seed=seed, epochs=epochs, space=space)
        # KerasTuner writes its own record; the study's is the ledger.
        self._folder = tempfile.TemporaryDirectory(prefix="arnn-search-oracle-")
        self._oracle._set_project_dir(self._folder.name, "oracle")

    def create(self, number: int, recorded: Mapping[str, Any] | None) -> tuple[str, dict[str, Any]]:
        """Creates trial `number`, which must be the next one.

        Args:
            number: the trial's number.
            recorded: the values that it was given when it was created before, if it was.

        Returns:
            `"RUNNING"`, `"IDLE"` or `"STOPPED"`, and the values; none unless it is running.
        """
        self._oracle.recorded = recorded
        trial = self._oracle.create_trial(_worker(number))
        if trial.status != "RUNNING":
            return trial.status, {}
        if int(trial.trial_id) != number:
            raise RuntimeError(f"The oracle created trial {trial.trial_id} for trial {number}.")
        return trial.status, dict(trial.hyperparameters.values)

    def end(
        self,
        number: int,
        score: float | None,
        space: Sequence[Mapping[str, Any]],
        values: Mapping[str, Any],
    ) -> None:
        """Tells the oracle how a trial ended.

        Args:
            number: the trial's number.
            score: None if it has none.
            space: the parameters that were asked for, as KerasTuner's configurations of them.
            values: their values.
        """
        trial = self._oracle.ongoing_trials[_worker(number)]
        about_the_trial = {
            name: value for name, value in trial.hyperparameters.values.items() if name.startswith("tuner/")
        }
        trial.hyperparameters = keras_tuner.HyperParameters.from_config(
            {"space": list(space), "values": {**values, **about_the_trial}}
        )
        if score is None:
            trial.status = "FAILED"
        else:
            self._oracle.update_trial(trial.trial_id, {_METRIC: score})
            trial.status = "COMPLETED"
        self._oracle.end_trial(trial)


def _worker(number: int) -> str:
    """To an oracle, who asks with the same name again means the same trial."""
    return f"trial-{number}"
