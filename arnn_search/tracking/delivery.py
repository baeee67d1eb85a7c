"""Delivering records to MLflow, in such a way that delivering one again changes nothing."""

import contextlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arnn_search.tracking.batches import MAX_CALL_BYTES, Batch, Record, call_bytes
from arnn_search.tracking.epoch_points import FILE, EpochPoints
from arnn_search.tracking.failures import GoneError, HeldError, Meaning, meaning_of, reason_of
from arnn_search.tracking.names import MAX_PARAM_LENGTH, MAX_TAG_LENGTH, valid_name, valid_texts
from arnn_search.tracking.runs import StudyRuns
from arnn_search.tracking.saved_view import save_view

if TYPE_CHECKING:
    from mlflow import MlflowClient


class _UnusableError(Exception):
    """A record that cannot be delivered, whatever the server says."""


class Delivery:
    """Delivers records of one study through MLflow's client.

    MLflow drops a point that it already holds (same run, name, step, value and time), a parameter that
    has the same value, and replaces tags and files; so after a crash everything since the last known
    position is simply delivered again.

    Args:
        client: MLflow's client for the store.
        runs: finds and creates the runs.
        outbox: folder for files on their way.
        reject: is told each record that MLflow will never take, and why.
    """

    def __init__(
        self,
        client: "MlflowClient",
        runs: StudyRuns,
        *,
        outbox: Path,
        reject: Callable[[Record, str], None],
    ) -> None:
        self._client = client
        self._runs = runs
        self._outbox = outbox
        self._reject = reject
        self._epochs = EpochPoints()

    def deliver(self, batch: Batch, settle: Callable[[Sequence[int]], None]) -> None:
        """Deliver a batch; a value that MLflow rejects is set aside, alone.

        Args:
            batch: what to deliver.
            settle: is told the positions of records that need no further care.

        Raises:
            HeldError: if the store cannot take it now; the records that are not settled must come again.
        """
        try:
            self._send(batch)
        except HeldError:
            raise
        except _UnusableError as error:
            self._reject(batch.records[0], str(error))
        except Exception as error:
            match meaning_of(error):
                case Meaning.RETRY:
                    raise HeldError(reason_of(error)) from error
                case Meaning.GONE:
                    self._set_aside_if_only_trial_is_gone(batch, error)
                case Meaning.REJECTED:
                    halves = batch.halves()
                    if halves is None:
                        self._reject(batch.records[0], reason_of(error))
                    else:
                        self.deliver(halves[0], settle)
                        self.deliver(halves[1], settle)
                        return
        settle(batch.positions)

    def _set_aside_if_only_trial_is_gone(self, batch: Batch, error: Exception) -> None:
        self._runs.check_present()
        if batch.trial is None:
            raise GoneError(reason_of(error)) from error
        for record in batch.records:
            self._reject(record, f"the run of trial {batch.trial} was deleted in MLflow: {reason_of(error)}")

    def _send(self, batch: Batch) -> None:
        record = batch.records[0]
        match record.get("kind"):
            case "params" | "metrics" | "tags":
                self._send_values(batch)
            case "start":
                self._start(batch.trial, record["time"])
            case "artifact":
                self._send_file(batch.trial, Path(record["path"]), record.get("artifact_path"))
            case "gradients":
                self._send_gradients(batch.trial, record)
            case "view":
                self._send_view(record)
            case "discard":
                self._epochs.forget(batch.trial)
                self._runs.discard(batch.trial)
            case "end":
                self._end(batch.trial, record["time"], status=record["status"])
            case kind:
                raise _UnusableError(f"a record of kind {kind!r} means nothing to this version")

    def _start(self, trial: int | None, time: int) -> None:
        is_new = self._runs.start(trial, time)
        if is_new and trial is not None:
            self._epochs.begin(trial)
        else:
            self._epochs.forget(trial)

    def _end(self, trial: int | None, time: int, *, status: str) -> None:
        # Before the run ends: who sees the end finds the file.
        self._send_epochs(trial, ended=self._runs.end_time(trial, time))
        self._runs.end(trial, time, status=status)
        self._epochs.forget(trial)

    def _send_epochs(self, trial: int | None, *, ended: int) -> None:
        """Send the file with a trial's epochs, if this machine and MLflow take it; readers do without it."""
        path = self._outbox / f"trial_{trial}" / FILE
        try:
            if not self._epochs.write(trial, path, ended=ended):
                return
        except OSError:
            return
        try:
            self._send_file(trial, path, None)
        except _UnusableError:
            return
        except Exception as error:
            if meaning_of(error) is not Meaning.REJECTED:
                raise
        finally:
            with contextlib.suppress(OSError):
                path.unlink()

    def _send_values(self, batch: Batch) -> None:
        from mlflow.entities import Metric, Param, RunTag

        run_id = self._runs.run_id(batch.trial, batch.records[0]["time"])
        metrics: list[Any] = []
        params: dict[tuple[str, str], Any] = {}
        tags: dict[str, Any] = {}
        for record in batch.records:
            if record["kind"] == "metrics":
                time, step = record["time"], record["step"]
                metrics += [Metric(valid_name(n), v, time, step) for n, v in record["values"].items()]
            elif record["kind"] == "params":
                # Two values of one parameter stay two, for MLflow to reject the later one.
                texts = valid_texts(record["values"], MAX_PARAM_LENGTH)
                params |= {pair: Param(*pair) for pair in texts.items()}
            else:
                texts = valid_texts(record["values"], MAX_TAG_LENGTH)
                tags |= {name: RunTag(name, text) for name, text in texts.items()}
        if call_bytes(batch.records) <= MAX_CALL_BYTES:
            self._client.log_batch(run_id, metrics, list(params.values()), list(tags.values()))
            self._epochs.add(batch.trial, ((one.key, one.step, one.value) for one in metrics))
            return
        for text_number in range(0, max(len(params), len(tags)), 10):
            some = slice(text_number, text_number + 10)
            self._client.log_batch(run_id, [], list(params.values())[some], list(tags.values())[some])
        self._client.log_batch(run_id, metrics)
        self._epochs.add(batch.trial, ((one.key, one.step, one.value) for one in metrics))

    def _send_view(self, record: Record) -> None:
        run_id = self._runs.run_id(None, record["time"])
        save_view(
            self._client,
            self._runs.experiment_id(),
            run_id,
            study=self._runs.study,
            metric=record["metric"],
            created=record["time"],
        )

    def _send_file(self, trial: int | None, path: Path, artifact_path: str | None) -> None:
        if not os.access(path, os.R_OK):
            raise _UnusableError(f"the file {path} is missing or cannot be read")
        self._client.log_artifact(self._runs.run_id(trial, None), str(path), artifact_path)

    def _send_gradients(self, trial: int | None, record: Record) -> None:
        from arnn_search.tracking.heat_map import draw_gradients

        path = Path(record["path"])
        self._send_file(trial, path, None)
        picture = self._outbox / f"trial_{trial}" / "gradients.png"
        try:
            picture.parent.mkdir(parents=True, exist_ok=True)
            try:
                draw_gradients(path, picture, title=record["title"])
            except OSError:
                raise
            except Exception as error:
                raise _UnusableError(f"no picture can be drawn of {path}: {reason_of(error)}") from error
            self._send_file(trial, picture, None)
        finally:
            picture.unlink(missing_ok=True)
