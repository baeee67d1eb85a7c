"""The MLflow runs of a study: one parent, one nested run for each trial, each created once."""

import getpass
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from arnn_search.tracking.failures import GoneError, Meaning, meaning_of, reason_of
from arnn_search.tracking.names import MAX_NAME_LENGTH, MAX_TAG_LENGTH, cut
from arnn_search.tracking.progress import RunIds

if TYPE_CHECKING:
    from mlflow import MlflowClient

# A store that was emptied has nothing to restore.
_OR_START_OVER = ", or send everything again with `arnn-search sync --from-start`"


class StudyRuns:
    """Finds, creates and reopens the runs of one study.

    A run is known by its tags `arnn.study_id` and `arnn.trial`, not only by the id that we remember: a
    crash between creating a run and remembering it, or an answer that was lost on the way, finds the run
    again instead of creating a second one.

    Args:
        client: MLflow's client for the store.
        ids: the ids that are known so far.
        study: the study's name.
        study_id: what tells it from every other study.
        experiment: name of the MLflow experiment.
        artifact_location: where a new experiment keeps its files; None leaves it to the server.
    """

    def __init__(
        self,
        client: "MlflowClient",
        ids: RunIds,
        *,
        study: str,
        study_id: str,
        experiment: str,
        artifact_location: str | None,
    ) -> None:
        self._client = client
        self._ids = ids
        self._study = study
        self._study_id = re.sub(r"[^\w.\-]", "_", study_id)
        self._experiment = experiment
        self._artifact_location = artifact_location
        self._began: dict[str, int] = {}

    @property
    def study(self) -> str:
        """The study's name."""
        return self._study

    def run_id(self, trial: int | None, time: int | None) -> str:
        """The run of a trial, or of the study for None; it is created if it has none.

        Args:
            trial: number of the trial.
            time: start of a new run in milliseconds since 1970; None for now.
        """
        return self._open(trial, time)[0]

    def start(self, trial: int | None, time: int) -> bool:
        """Create a run, or set the one that is there to running again.

        The run of a trial that was deleted in MLflow is replaced by a new one: whoever runs the trial
        again wants to see it.

        Returns:
            Whether the run is new.
        """
        run_id, is_new = self._open(trial, time)
        if not is_new and trial is not None and not self._is_active_run(run_id):
            self.check_present()
            self._ids.forget(trial)
            run_id, is_new = self._open(trial, time)
        if is_new:
            # It runs, and asking for it would take as long as creating it.
            return True
        if self._client.get_run(run_id).info.status != "RUNNING":
            self._client.update_run(run_id, status="RUNNING")
        return False

    def end_time(self, trial: int | None, time: int) -> int:
        """When a run ends: not before it began, for the clock may have been set back, or be another's."""
        run_id = self.run_id(trial, time)
        if run_id not in self._began:
            self._began[run_id] = self._client.get_run(run_id).info.start_time or time
        return max(time, self._began[run_id])

    def end(self, trial: int | None, time: int, *, status: str) -> None:
        """Close a run."""
        run_id = self.run_id(trial, time)
        self._client.set_terminated(run_id, status=status, end_time=self.end_time(trial, time))

    def discard(self, trial: int | None) -> None:
        """Delete the run of a trial, if it has one; the next record of the trial makes another."""
        if trial is None:
            return
        run_id = self._ids.of(trial) or self._find(trial)
        if run_id is not None and self._is_active_run(run_id):
            self._client.delete_run(run_id)
        self._ids.forget(trial)

    def _open(self, trial: int | None, time: int | None) -> tuple[str, bool]:
        """The id of a run, and whether it was created for that."""
        known = self._ids.of(trial) or self._find(trial)
        run_id = known or self._create(trial, time)
        if run_id != self._ids.of(trial):
            self._ids.remember(trial, run_id)
        return run_id, known is None

    def check_present(self) -> None:
        """Make sure that the experiment and the study's run are still there.

        Raises:
            GoneError: if one of them was deleted, with what to do about it.
        """
        experiment, study = self._ids.experiment, self._ids.study
        if experiment is not None and not self._is_active_experiment(experiment):
            raise GoneError(
                f"the experiment {self._experiment!r} was deleted in MLflow; restore it with "
                f"`mlflow experiments restore --experiment-id {experiment}`{_OR_START_OVER}"
            )
        if study is not None and not self._is_active_run(study):
            raise GoneError(
                f"the run of study {self._study!r} was deleted in MLflow; restore it with "
                f"`mlflow runs restore --run-id {study}`{_OR_START_OVER}"
            )

    def _is_active_experiment(self, experiment_id: str) -> bool:
        return self._is_active(lambda: self._client.get_experiment(experiment_id).lifecycle_stage)

    def _is_active_run(self, run_id: str) -> bool:
        return self._is_active(lambda: self._client.get_run(run_id).info.lifecycle_stage)

    @staticmethod
    def _is_active(stage_of: Callable[[], str]) -> bool:
        try:
            return stage_of() == "active"
        except Exception as error:
            if meaning_of(error) is Meaning.GONE:
                return False
            raise

    def _find(self, trial: int | None) -> str | None:
        role = "tags.`arnn.role` = 'study'" if trial is None else f"tags.`arnn.trial` = '{trial}'"
        runs = self._client.search_runs(
            [self.experiment_id()],
            f"tags.`arnn.study_id` = '{self._study_id}' and {role}",
            max_results=1,
            order_by=["attributes.start_time ASC"],
        )
        return runs[0].info.run_id if runs else None

    def _create(self, trial: int | None, time: int | None) -> str:
        tags = {
            "arnn.study": cut(self._study, MAX_TAG_LENGTH),
            "arnn.study_id": self._study_id,
            "arnn.role": "study" if trial is None else "trial",
            "arnn.state": "running",
            "mlflow.user": _user_name(),
            "mlflow.source.name": "arnn-search",
            "mlflow.source.type": "LOCAL",
        }
        name = cut(self._study, MAX_NAME_LENGTH)
        if trial is not None:
            tags |= {"arnn.trial": str(trial), "mlflow.parentRunId": self.run_id(None, time)}
            name = f"trial {trial}"
        run = self._client.create_run(self.experiment_id(), start_time=time, tags=tags, run_name=name)
        run_id = str(run.info.run_id)
        self._began[run_id] = int(run.info.start_time)
        if trial is None:
            # Two machines may join a new study at once: the run that began first is the study's.
            first = self._find(None) or run_id
            if first != run_id:
                self._client.delete_run(run_id)
                run_id = first
        return run_id

    def experiment_id(self) -> str:
        """The experiment, created if it is missing."""
        if self._ids.experiment is None:
            self._ids.experiment = self._open_experiment()
            self._ids.save()
        return self._ids.experiment

    def _open_experiment(self) -> str:
        found = self._client.get_experiment_by_name(self._experiment)
        if found is None:
            try:
                return str(self._client.create_experiment(self._experiment, self._artifact_location))
            except Exception as error:
                if meaning_of(error) is not Meaning.REJECTED:
                    raise
                # Somebody else may have created it meanwhile; otherwise its name cannot be used.
                found = self._client.get_experiment_by_name(self._experiment)
                if found is None:
                    raise GoneError(
                        f"the experiment {self._experiment!r} cannot be created in MLflow: {reason_of(error)}"
                    ) from error
        if found.lifecycle_stage != "active":
            raise GoneError(
                f"the experiment {self._experiment!r} was deleted in MLflow; choose another name, or restore "
                f"it with `mlflow experiments restore --experiment-id {found.experiment_id}`"
            )
        return str(found.experiment_id)


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
