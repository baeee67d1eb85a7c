"""The checkpoint of a trial: one file with all that it needs to go on after an epoch."""

import contextlib
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from arnn_search.errors import ArnnSearchError
from arnn_search.trials.channel import EpochReport
from arnn_search.trials.task import CHECKPOINT_NAME, TrialTask

_FORMAT = 1
_HEADER = "header"


class CheckpointError(ArnnSearchError, ValueError):
    """A checkpoint cannot be used; the message says why."""


@dataclass(frozen=True)
class Checkpoint:
    """The state of a trial at the end of an epoch.

    Attributes:
        identity: what the trial was told and has built; a checkpoint is of use to no other.
        epoch: how many epochs have been trained.
        seconds: for how long.
        reports: of every epoch so far, for a supervisor that has not heard of all of them.
        best: the best score so far; None if there is none yet.
        arrays: by a path that begins with what they are of: variables, optimizer, best weights, health.
        randomness: the state of the generators that are not variables of the model.
    """

    identity: Mapping[str, Any]
    epoch: int
    seconds: float
    reports: tuple[EpochReport, ...]
    best: float | None
    arrays: Mapping[str, np.ndarray]
    randomness: Mapping[str, Any] = field(default_factory=dict)

    def group(self, name: str) -> dict[str, np.ndarray]:
        """The arrays below a path, by the rest of it."""
        prefix = f"{name}/"
        return {
            path.removeprefix(prefix): array for path, array in self.arrays.items() if path.startswith(prefix)
        }

    def sequence(self, name: str) -> list[np.ndarray]:
        """The arrays that `numbered` has put below a path, in order."""
        return [array for _, array in sorted(self.group(name).items())]

    def write(self, path: Path) -> None:
        """Replaces the file, which is whole at any time; when this returns it is on the disk.

        Raises:
            OSError: the disk is full, or cannot be written; then the file is what it was.
        """
        unfinished = _unfinished(path)
        try:
            with unfinished.open("wb") as file:
                np.savez(file, **{_HEADER: self._header()}, **_as_stored(self.arrays))  # type: ignore[arg-type]
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                unfinished.unlink()
            raise

    def _header(self) -> np.ndarray:
        header = {
            "format": _FORMAT,
            "identity": dict(self.identity),
            "epoch": self.epoch,
            "seconds": self.seconds,
            "reports": [asdict(report) for report in self.reports],
            "best": self.best,
            "dtypes": {path: array.dtype.name for path, array in self.arrays.items() if _is_foreign(array)},
            "randomness": dict(self.randomness),
        }
        return np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)


def read_checkpoint(path: Path, identity: Mapping[str, Any]) -> Checkpoint | None:
    """Reads a trial's checkpoint; None if there is none.

    Args:
        path: the file.
        identity: of the trial that is to go on.

    Raises:
        CheckpointError: the file is damaged, or of another trial.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            header = json.loads(archive[_HEADER].tobytes())
            if header["format"] != _FORMAT:
                raise CheckpointError("it was written by another version of arnn-search")
            different = [
                name for name, value in identity.items() if header["identity"].get(name) != _plain(value)
            ]
            if different:
                raise CheckpointError(f"it is of another {different[0].replace('_', ' ')}")
            arrays = {name: archive[name] for name in archive.files if name != _HEADER}
    except FileNotFoundError:
        return None
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(f"it is damaged ({type(error).__name__}: {error})") from error
    return Checkpoint(
        identity=header["identity"],
        epoch=header["epoch"],
        seconds=header["seconds"],
        reports=tuple(EpochReport(**report) for report in header["reports"]),
        best=header["best"],
        arrays={
            name: array.view(header["dtypes"][name]) if name in header["dtypes"] else array
            for name, array in arrays.items()
        },
        randomness=header["randomness"],
    )


def checkpoint_epoch(path: Path) -> int:
    """How many epochs a checkpoint stands for; 0 if there is none, or none that can be read."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return int(json.loads(archive[_HEADER].tobytes())["epoch"])
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return 0


def remove_checkpoint(directory: Path) -> None:
    """Removes the checkpoint of a trial that has ended, and what was left of one in the making."""
    for path in (directory / CHECKPOINT_NAME, _unfinished(directory / CHECKPOINT_NAME)):
        with contextlib.suppress(OSError):
            path.unlink()


def task_identity(task: TrialTask, *, architecture: str, backend: str) -> dict[str, Any]:
    """What must be the same for a trial to go on from a checkpoint."""
    return {
        "architecture": architecture,
        "trial": task.number,
        "seed": task.seed,
        "data": task.data.name,
        "backend": backend,
        "precision": task.precision,
        "batch_size": task.batch_size,
        "steps_per_execution": task.steps_per_execution,
        "initial_epoch": task.initial_epoch,
        "objective": f"{task.direction} {task.metric}",
        "telemetry": task.telemetry,
    }


def numbered(name: str, arrays: list[np.ndarray]) -> dict[str, np.ndarray]:
    """A sequence of arrays, each with its path."""
    return {f"{name}/{index:06d}": array for index, array in enumerate(arrays)}


def _unfinished(path: Path) -> Path:
    return path.with_name(f"unfinished-{path.name}")


def _as_stored(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {
        path: array.view(f"u{array.dtype.itemsize}") if _is_foreign(array) else array
        for path, array in arrays.items()
    }


def _is_foreign(array: np.ndarray) -> bool:
    """NumPy's files know no bfloat16."""
    return array.dtype.kind == "V"


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value))
