"""Where one of KerasTuner's oracles lives: creates its trials, and tells it how they ended."""

import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

from arnn_search.studies.engines.oracles import hyperparameters, make_oracle

_METRIC = "score"
_CONTINUED = "tuner/trial_id"


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
        self._identities: dict[int, str] = {}

    def close(self) -> None:
        """Removes KerasTuner's own record."""
        self._folder.cleanup()

    def create(
        self, number: int, recorded: Mapping[str, Any] | None, is_own: bool = True
    ) -> tuple[str, dict[str, Any]]:
        """Creates the oracle's next trial.

        Args:
            number: the trial's number in the study.
            recorded: the values that it was given when it was created before, if it was.
            is_own: whether an oracle like this one gave them. Others than its own are kept from an oracle
                that keeps books on what it proposed.

        Returns:
            `"RUNNING"`, `"IDLE"` or `"STOPPED"`, and the values; none unless it is running.
        """
        if recorded is not None and not is_own and not self._oracle.replays:
            return "RUNNING", dict(recorded)
        self._oracle.number, self._oracle.recorded = number, recorded
        trial = self._oracle.create_trial(_worker(number))
        if trial.status != "RUNNING":
            return ("RUNNING", dict(recorded)) if recorded is not None else (trial.status, {})
        self._identities[number] = trial.trial_id
        # Some oracles give NumPy's numbers, which are no JSON.
        values = {
            name: getattr(value, "item", lambda v=value: v)()
            for name, value in trial.hyperparameters.values.items()
        }
        if _CONTINUED in values:
            values[_CONTINUED] = self._number_of(values[_CONTINUED])
        return trial.status, values

    def end(
        self,
        number: int,
        score: float | None,
        space: Sequence[Mapping[str, Any]],
        values: Mapping[str, Any],
    ) -> None:
        """Tells the oracle how a trial ended, if it knows of the trial.

        Args:
            number: the trial's number.
            score: None if it has none.
            space: the parameters that were asked for, as KerasTuner's configurations of them.
            values: their values.
        """
        if number not in self._identities:
            return
        trial = self._oracle.ongoing_trials[_worker(number)]
        proposed = trial.hyperparameters.values.items()
        # A trial that failed may not have come to ask for all that it was to be given.
        kept = {name: value for name, value in proposed if score is None or name.startswith("tuner/")}
        trial.hyperparameters = hyperparameters(space, {**kept, **values})
        if score is None:
            trial.status = "FAILED"
        else:
            self._oracle.update_trial(trial.trial_id, {_METRIC: score})
            trial.status = "COMPLETED"
        self._oracle.end_trial(trial)

    def _number_of(self, identity: str) -> int:
        return next(number for number, known in self._identities.items() if known == identity)


def _worker(number: int) -> str:
    """To an oracle, who asks with the same name again means the same trial."""
    return f"trial-{number}"
