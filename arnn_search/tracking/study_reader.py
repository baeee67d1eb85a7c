"""Reading a study out of MLflow, from any machine that reaches the store."""

import contextlib
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import numpy as np

from arnn_search.errors import TrackingError, UnknownNameError
from arnn_search.tracking.epoch_points import FILE, PER_LAYER, History, read_points
from arnn_search.tracking.failures import reason_of
from arnn_search.tracking.pages import StudyLocation, find_study
from arnn_search.tracking.paths import read_json, write_json
from arnn_search.tracking.quiet import quiet
from arnn_search.tracking.study_view import Arrays, Objective, StudyView

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

_PAGE_SIZE = 1000
# A server answers one call in a few milliseconds and takes several at a time.
_NUM_READERS = 4


def read_study(uri: str, study: str | None = None, *, cache: Path | None = None) -> StudyView:
    """Read a study's runs into tables.

    Args:
        uri: MLflow's store.
        study: the study's name; None for the latest of the store.
        cache: folder that keeps what was read of trials that have ended, for the next time.

    Raises:
        UnknownNameError: the store holds no such study.
        TrackingError: the store cannot be read.
    """
    location = find_study(uri, study)
    if location is None:
        if study is None:
            raise TrackingError(f"MLflow at {uri} holds no study. `arnn-search run` starts one.")
        raise UnknownNameError("study", study, (), hint=f"MLflow at {uri} does not hold it.")
    return read_located(uri, location, cache=cache)


def read_located(uri: str, location: StudyLocation, *, cache: Path | None = None) -> StudyView:
    """Read the runs of a study that was found already.

    Args:
        uri: MLflow's store.
        location: the study.
        cache: folder that keeps what was read of trials that have ended, for the next time.

    Raises:
        TrackingError: the store cannot be read.
    """
    with _folder(cache) as folder, quiet():
        from mlflow import MlflowClient

        reader = _Reader(uri, MlflowClient(uri), folder)
        try:
            return reader.read(location)
        except Exception as error:
            raise TrackingError(f"MLflow at {uri} cannot be read: {reason_of(error)}.") from error


class _Reader:
    def __init__(self, uri: str, client: "MlflowClient", folder: Path) -> None:
        self._uri, self._client, self._folder = uri, client, folder

    def read(self, location: StudyLocation) -> StudyView:
        parent = self._client.get_run(location.run_id)
        runs = {int(run.data.tags["arnn.trial"]): run for run in self._trial_runs(location)}
        objectives = _objectives(parent, list(runs.values()))
        with ThreadPoolExecutor(_NUM_READERS) as readers:
            histories = dict(zip(runs, readers.map(self._history, runs.values()), strict=True))
            gradients = dict(zip(runs, readers.map(self._gradients, runs.values()), strict=True))
        epochs = {number: _epoch_rows(number, history) for number, history in histories.items()}
        return StudyView.from_tables(
            location.study,
            [_trial_row(number, run, epochs[number], objectives[0]) for number, run in runs.items()],
            epochs=[row for rows in epochs.values() for row in rows],
            objectives=objectives,
            gradients={
                number: arrays
                for number, read in gradients.items()
                if (arrays := read or _gradients_of(histories[number]))
            },
            state=parent.data.tags.get("arnn.state", "running"),
            parameters=dict(parent.data.params),
            tags=dict(parent.data.tags),
            metrics=dict(parent.data.metrics),
            location=location,
        )

    def _trial_runs(self, location: StudyLocation) -> Iterator["Run"]:
        query, token = f"tags.`mlflow.parentRunId` = '{location.run_id}'", None
        while True:
            page = self._client.search_runs(
                [location.experiment_id], query, max_results=_PAGE_SIZE, page_token=token
            )
            yield from (run for run in page if run.data.tags.get("arnn.trial", "").isdecimal())
            token = page.token
            if not token:
                return

    def _history(self, run: "Run") -> History:
        """Every point of the metrics that a trial reports by epoch."""
        kept = self._folder / f"{run.info.run_id}-{run.info.end_time}.json"
        has_ended = _has_ended(run)
        if has_ended and (history := read_json(kept)) is not None:
            return {name: [(step, value) for step, value in points] for name, points in history.items()}
        names = [
            name
            for name in run.data.metrics
            if not name.startswith("best_") and not (has_ended and name.startswith(PER_LAYER))
        ]
        known: History = {}
        if has_ended and names and (path := self._file(run, FILE)):
            known = read_points(path, ended=run.info.end_time, latest=run.data.metrics)
        history = {name: known.get(name) or self._points(run, name) for name in names}
        if has_ended and not known.keys() >= history.keys():
            write_json(kept, history)
        return history

    def _points(self, run: "Run", name: str) -> list[tuple[int, float]]:
        points = self._client.get_metric_history(run.info.run_id, name)
        return sorted((point.step, point.value) for point in points)

    def _gradients(self, run: "Run") -> Arrays | None:
        path = self._file(run, "gradients.npz") if _has_ended(run) else None
        with contextlib.suppress(OSError, ValueError):
            if path is not None:
                with np.load(path, allow_pickle=False) as arrays:
                    if {"gradient_rms", "layers"} <= set(arrays.files):
                        return {name: arrays[name] for name in arrays.files}
        return None

    def _file(self, run: "Run", name: str) -> Path | None:
        """A file of a run that has ended; None if it has no such file."""
        from mlflow.artifacts import download_artifacts

        address = urlsplit(run.info.artifact_uri)
        if address.scheme == "file" and (here := Path(url2pathname(address.path)) / name).is_file():
            return here
        folder = self._folder / f"{run.info.run_id}-{run.info.end_time}"
        if not (folder / name).is_file():
            folder.mkdir(exist_ok=True)
            # By the address that the run has told: MLflow's client would ask for it again, and for models.
            remote = f"{run.info.artifact_uri}/{name}"
            # A trial that ended before its first epoch has none.
            with contextlib.suppress(Exception):
                download_artifacts(artifact_uri=remote, dst_path=str(folder), tracking_uri=self._uri)
        return folder / name if (folder / name).is_file() else None


def _has_ended(run: "Run") -> bool:
    """Whether a run will get no more points; one that runs again keeps the time of its former end."""
    return run.info.end_time is not None and run.info.status != "RUNNING"


def _objectives(parent: "Run", trials: list["Run"]) -> tuple[Objective, ...]:
    metrics = [name for name in parent.data.tags.get("arnn.metric", "").split(",") if name]
    directions = [name for name in parent.data.tags.get("arnn.direction", "").split(",") if name]
    if metrics and len(metrics) == len(directions):
        return tuple(Objective(*pair) for pair in zip(metrics, directions, strict=True))
    best = [name for run in [parent, *trials] for name in run.data.metrics if name.startswith("best_")]
    metric = best[0].removeprefix("best_") if best else "val_accuracy"
    return (Objective(metric, "minimize" if "loss" in metric or "error" in metric else "maximize"),)


def _trial_row(number: int, run: "Run", epochs: list[dict[str, Any]], objective: Objective) -> dict[str, Any]:
    tags, info = run.data.tags, run.info
    metrics = {name: value for name, value in run.data.metrics.items() if not name.startswith(PER_LAYER)}
    scored = [row for row in epochs if objective.metric in row]
    if scored:
        sign = 1 if objective.maximizes else -1
        best = max(scored, key=lambda row: sign * row[objective.metric])
        metrics |= {name: value for name, value in best.items() if name not in ("trial", "epoch")}
    score = metrics.pop(f"best_{objective.metric}", metrics.get(objective.metric, np.nan))
    return {
        "number": number,
        "run_id": info.run_id,
        "state": tags.get("arnn.state", "running"),
        "reason": tags.get("arnn.reason", ""),
        "message": tags.get("arnn.message", ""),
        "score": score,
        "started": _time(info.start_time),
        "ended": _time(info.end_time),
        "seconds": np.nan if info.end_time is None else (info.end_time - info.start_time) / 1000,
        "device": tags.get("arnn.device", ""),
        "attempt": int(tags.get("arnn.attempt", 1)),
        "family": tags.get("arnn.family", ""),
        "architecture": tags.get("arnn.architecture", ""),
        "num_weights": float(tags.get("arnn.parameters", "nan")),
        "num_epochs": len(epochs),
        **{f"param.{name}": _value(text) for name, text in run.data.params.items()},
        **{f"metric.{name}": value for name, value in metrics.items()},
    }


def _epoch_rows(number: int, history: History) -> list[dict[str, Any]]:
    """A row for each epoch, from 1; what was measured before the first one, at step 0, is none."""
    rows: dict[int, dict[str, Any]] = {}
    for name, points in history.items():
        if not name.startswith(PER_LAYER):
            for step, value in points:
                if step > 0:
                    rows.setdefault(step, {"trial": number, "epoch": step})[name] = value
    return [rows[step] for step in sorted(rows)]


def _gradients_of(history: History) -> Arrays | None:
    """The arrays of a trial that runs yet, from its metrics."""
    names = sorted(name for name in history if name.startswith("gradient_rms/"))
    if not names:
        return None
    arrays = {"layers": np.array([_layer_of(name) for name in names])}
    arrays["gradient_rms"] = _as_array(history, names)
    limits = sorted(name for name in history if name.startswith("limit/"))
    arrays["limit_layers"] = np.array([_layer_of(name) for name in limits], dtype=np.str_)
    arrays["limit"] = _as_array(history, limits, num_epochs=len(arrays["gradient_rms"]))
    return arrays


def _layer_of(metric: str) -> str:
    """`conv2d` of `gradient_rms/03_conv2d`."""
    return metric.partition("/")[2].partition("_")[2]


def _as_array(history: History, names: list[str], *, num_epochs: int | None = None) -> Any:
    last = num_epochs or max((step for name in names for step, _ in history[name]), default=0)
    values = np.full((last, len(names)), np.nan)
    for column, name in enumerate(names):
        for step, value in history[name]:
            if 1 <= step <= last:
                values[step - 1, column] = value
    return values


def _time(milliseconds: int | None) -> Any:
    import pandas

    return pandas.NaT if milliseconds is None else pandas.Timestamp(milliseconds, unit="ms", tz="UTC")


def _value(text: str) -> Any:
    """A hyperparameter as the number or truth value that it was before MLflow kept it as text."""
    with contextlib.suppress(ValueError):
        return int(text)
    with contextlib.suppress(ValueError):
        return float(text)
    return {"True": True, "False": False}.get(text, text)


@contextlib.contextmanager
def _folder(cache: Path | None) -> Iterator[Path]:
    if cache is not None:
        cache.mkdir(parents=True, exist_ok=True)
        yield cache
        return
    with tempfile.TemporaryDirectory(prefix="arnn-search-view-") as folder:
        yield Path(folder)
