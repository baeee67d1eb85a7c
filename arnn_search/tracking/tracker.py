"""The tracker: what the supervisor tells MLflow about a study."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arnn_search.errors import UnknownNameError
from arnn_search.tracking.batches import Record, num_points
from arnn_search.tracking.names import split_metrics
from arnn_search.tracking.paths import TrackingPaths
from arnn_search.tracking.progress import RunIds
from arnn_search.tracking.sender import Sender
from arnn_search.tracking.settings import TrackingSettings
from arnn_search.tracking.spool import Spool

TRIAL_STATUSES = {
    "completed": "FINISHED",
    "pruned": "KILLED",
    "failed": "FAILED",
    "infeasible": "KILLED",
}
"""MLflow's status for each state of a trial."""

STUDY_STATUSES = {"completed": "FINISHED", "stopped": "KILLED", "failed": "FAILED"}
"""MLflow's status for each way in which a study ends."""


@dataclass(frozen=True)
class HeardPoint:
    """What was logged of a trial at a step.

    Attributes:
        milliseconds: when, since 1970.
        metrics: the values, as far as they are finite.
    """

    milliseconds: int
    metrics: dict[str, float]


class Tracker:
    """Follows one study in MLflow: a parent run, and a nested run for each trial.

    Every method only appends to a spool on disk, with the time of the call, and returns at once; a daemon
    thread hands the spool to a process that speaks with MLflow. A server that is slow, down or restarted
    delays nothing but what MLflow shows, and nothing is lost with this process: a new tracker on the same
    directory goes on where the last one stopped. If the store or the experiment has changed since,
    everything is sent there from the beginning.

    Only finite values become points. What is `nan` or infinite is counted by name in the run's tag
    `arnn.nonfinite`. Names that MLflow does not take are changed to the nearest it does. A record that
    MLflow rejects is set aside in `rejected.jsonl` with the reason.

    Args:
        directory: the tracker's own folder in the study's folder; one process writes into it at a time.
        study: the study's name.
        study_id: what tells this study from every other one that MLflow may hold.
        tracking_uri: MLflow's store: a database or the address of a server.
        experiment: name of the MLflow experiment; created if it is missing.

    Raises:
        TrackingError: if the directory belongs to another study, or cannot be written.
    """

    def __init__(
        self, directory: Path, *, study: str, study_id: str, tracking_uri: str, experiment: str
    ) -> None:
        self._paths = TrackingPaths(directory.absolute())
        self._study = study
        self._settings = TrackingSettings(study, study_id, tracking_uri, experiment)
        self._settings.claim(self._paths)
        self._spool = Spool(self._paths.spool)
        self._rejected = Spool(self._paths.rejected)
        self._heard: dict[int, dict[int, HeardPoint]] = {}
        self._nonfinite: dict[int | None, dict[str, tuple[str, int, int]]] = {}
        self._sender = Sender(self._paths, self._spool, reject=self._reject)
        self._sender.start()

    def start_study(
        self, params: Mapping[str, Any], tags: Mapping[str, Any], artifacts: Sequence[Path] = ()
    ) -> None:
        """Open the study's run, or open it again.

        Args:
            params: the resolved configuration.
            tags: what the study is to be found by.
            artifacts: files to keep with the run; they must stay where they are until they are sent.
        """
        self._append("start", None)
        self.log_params(None, params)
        self.set_tags(None, {**tags, "arnn.state": "running"})
        for path in artifacts:
            self.log_artifact(None, path)

    def start_trial(self, number: int, *, tags: Mapping[str, Any], milliseconds: int | None = None) -> None:
        """Open a trial's run; if the trial is run again, its run is opened again.

        Args:
            number: number of the trial.
            tags: what it is to be found by.
            milliseconds: when it began, since 1970; None for now.
        """
        self._nonfinite.pop(number, None)
        self._append("start", number, milliseconds)
        self.set_tags(number, {**tags, "arnn.state": "running"})

    def log_params(self, number: int | None, params: Mapping[str, Any]) -> None:
        """Keep parameters of a trial, or of the study for None; MLflow keeps the first value of each.

        Values are kept as text, at most 6000 characters, cut with an ellipsis.
        """
        self._append_texts("params", number, params)

    def discard_trial(self, number: int) -> None:
        """Take a trial's run out of sight; a new one is opened for what follows.

        MLflow keeps every point, so what an attempt reports anew, with other numbers, needs a run of its own.
        The former one is deleted as by a user: it can be restored.
        """
        self._nonfinite.pop(number, None)
        self._append("discard", number)

    def log_metrics(
        self,
        number: int | None,
        metrics: Mapping[str, float],
        step: int,
        *,
        milliseconds: int | None = None,
    ) -> None:
        """Add one point to each metric of a trial, or of the study for None.

        Args:
            number: number of the trial; None for the study.
            metrics: the values.
            step: of all of them.
            milliseconds: when they were found, since 1970; None for now. The same value at the same step and
                time is the same point, however often it is logged.
        """
        finite, others = split_metrics(metrics)
        if finite:
            self._append("metrics", number, milliseconds, step=int(step), values=finite)
        if others:
            self._count_nonfinite(number, others, int(step))

    def set_tags(self, number: int | None, tags: Mapping[str, Any]) -> None:
        """Set tags of a trial, or of the study for None; values are cut at 8000 characters."""
        self._append_texts("tags", number, tags)

    def set_note(self, text: str) -> None:
        """Set the description of the study's run, in Markdown; it is cut at 8000 characters."""
        self.set_tags(None, {"mlflow.note.content": text})

    def save_view(self, metric: str) -> None:
        """Keep a view of the study's trials with the columns that matter, unless there is one.

        Args:
            metric: what the study optimises.
        """
        self._append("view", None, metric=metric)

    def log_artifact(self, number: int | None, path: Path, artifact_path: str | None = None) -> None:
        """Keep a file or a folder with a run; it must stay where it is until it is sent.

        Args:
            number: number of the trial; None for the study.
            path: the file.
            artifact_path: folder in the run's artifacts; None for the top.
        """
        self._append("artifact", number, path=str(Path(path).absolute()), artifact_path=artifact_path)

    def log_gradients(self, number: int, npz_path: Path, *, title: str | None = None) -> None:
        """Keep a trial's gradient statistics, and their layer x epoch heat map as `gradients.png`.

        Args:
            number: number of the trial.
            npz_path: arrays as `heat_map.draw_gradients` reads them.
            title: title of the picture; None for the trial's number and the study's name.
        """
        title = title or f"trial {number} · {self._study}"
        self._append("gradients", number, path=str(Path(npz_path).absolute()), title=title)

    def end_trial(self, number: int, state: str, reason: str, *, milliseconds: int | None = None) -> None:
        """Close a trial's run.

        Args:
            number: number of the trial.
            state: `completed`, `pruned`, `failed` or `infeasible`.
            reason: why it ended so, in words.
            milliseconds: when it ended, since 1970; None for now.
        """
        status = _status(TRIAL_STATUSES, "trial state", state)
        self.set_tags(number, {"arnn.state": state, "arnn.reason": reason})
        self._append("end", number, milliseconds, status=status)
        self._nonfinite.pop(number, None)

    def end_study(self, status: str) -> None:
        """Close the study's run.

        Args:
            status: `completed`, `stopped` or `failed`.
        """
        mlflow_status = _status(STUDY_STATUSES, "study status", status)
        self.set_tags(None, {"arnn.state": status})
        self._append("end", None, status=mlflow_status)

    def run_id(self, number: int | None) -> str | None:
        """MLflow's id of a trial's run, or of the study's for None; None while there is no run yet."""
        return RunIds.load(self._paths.run_ids).of(number)

    @property
    def experiment_id(self) -> str | None:
        """MLflow's id of the experiment; None while nothing was delivered yet."""
        return RunIds.load(self._paths.run_ids).experiment

    @property
    def num_delivered(self) -> int:
        """Records that MLflow holds."""
        return self._sender.num_delivered

    @property
    def pending(self) -> int:
        """Records that are not delivered yet."""
        return max(0, self._spool.num_records - self._sender.num_delivered)

    @property
    def rejected(self) -> int:
        """Values that MLflow did not take; `rejected.jsonl` holds them with the reasons."""
        return self._rejected.num_records

    @property
    def last_error(self) -> str | None:
        """Why records are waiting at present, in words; None while all is well."""
        error = self._sender.error
        if error is not None:
            return f"MLflow at {self._settings.tracking_uri}: {error}"
        return self._spool.error

    def flush(self, timeout_seconds: float) -> bool:
        """Send now, and wait.

        Returns:
            Whether everything reported before the call is delivered.
        """
        return self._sender.wait(self._spool.num_records, timeout_seconds)

    def close(self, timeout_seconds: float) -> bool:
        """Send what remains, within the time, and stop.

        Returns:
            Whether everything is delivered; `farewell` says what remains.
        """
        is_delivered = self.flush(timeout_seconds)
        self._sender.stop(0.5 if not is_delivered else 5.0)
        self._spool.close()
        self._rejected.close()
        return is_delivered

    def farewell(self) -> str | None:
        """What the user should know at the end, in one paragraph; None when everything is delivered."""
        sentences = []
        if self.pending:
            points = _counted(self._num_undelivered_points(), "point")
            records = _counted(self.pending, "record")
            uri = self._settings.tracking_uri
            why = self.last_error or f"MLflow at {uri}: no answer yet"
            sentences.append(
                f"{points} in {records} did not reach MLflow yet ({why}). "
                f"They are kept in {self._paths.spool}; `arnn-search sync` sends them."
            )
        if self._spool.unwritten:
            sentences.append(
                f"The disk did not take {self._spool.unwritten} of them, which end with this process."
            )
        if self.rejected:
            sentences.append(
                f"MLflow rejected {_counted(self.rejected, 'value')}: see {self._paths.rejected}."
            )
        return " ".join(sentences) or None

    def told(self) -> dict[int, bool]:
        """The trials that were started; for each whether its end was told since.

        What was told of those that have not ended is what `heard` gives.
        """
        ended: dict[int, bool] = {}
        self._heard.clear()
        for record in self._records(0):
            kind, trial = record.get("kind"), record.get("trial")
            if trial is None:
                continue
            if kind in ("start", "end"):
                ended[trial] = kind == "end"
            if kind in ("end", "discard"):
                self._heard.pop(trial, None)
            elif kind == "metrics":
                points = self._heard.setdefault(trial, {})
                points.setdefault(record["step"], HeardPoint(record["time"], record["values"]))
        return ended

    def heard(self, number: int) -> dict[int, "HeardPoint"]:
        """The points of a trial that an earlier process has told but not ended, by step; after `told`."""
        return self._heard.pop(number, {})

    def _records(self, offset: int) -> Iterator[Record]:
        while lines := self._spool.read(offset):
            yield from (line.record for line in lines if line.record is not None)
            offset = lines[-1].end

    def _append(self, kind: str, number: int | None, milliseconds: int | None = None, **content: Any) -> None:
        trial = None if number is None else int(number)
        when = time.time_ns() // 1_000_000 if milliseconds is None else milliseconds
        self._spool.append({"kind": kind, "trial": trial, "time": when, **content})

    def _append_texts(self, kind: str, number: int | None, values: Mapping[str, Any]) -> None:
        if values:
            self._append(kind, number, values={str(name): str(value) for name, value in values.items()})

    def _count_nonfinite(self, number: int | None, values: Mapping[str, str], step: int) -> None:
        counts = self._nonfinite.setdefault(number, {})
        for name, value in values.items():
            first_value, first_step, count = counts.get(name, (value, step, 0))
            counts[name] = (first_value, first_step, count + 1)
        words = [
            f"{name}: {count} points, first {value} at step {first_step}"
            for name, (value, first_step, count) in counts.items()
        ]
        self.set_tags(number, {"arnn.nonfinite": "; ".join(words)})

    def _reject(self, record: dict[str, Any], reason: str) -> None:
        self._rejected.append({"reason": reason, "record": record})

    def _num_undelivered_points(self) -> int:
        return num_points(list(self._records(self._sender.offset)))


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _status(statuses: Mapping[str, str], kind: str, state: str) -> str:
    if state not in statuses:
        raise UnknownNameError(kind, state, statuses)
    return statuses[state]
