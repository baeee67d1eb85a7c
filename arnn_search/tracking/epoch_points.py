"""The points of a trial by epoch as one file with its run.

MLflow gives the points of one metric of one run at a time: of a large study that is thousands of calls. So
each trial that ends gets a file with all of them, which a reader takes where it is whole; MLflow's own points
stay what counts.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from arnn_search.tracking.paths import read_json, write_json

FILE = "epochs.json"
PER_LAYER = ("gradient_rms/", "limit/")
"""What the metrics of single layers begin with; those are in the trial's `gradients.npz`."""

History = dict[str, list[tuple[int, float]]]
"""The points of each metric: step and value, in order."""


class EpochPoints:
    """The points of the trials that run, of those trials of which none was missed."""

    def __init__(self) -> None:
        self._points: dict[int, dict[str, set[tuple[int, float]]]] = {}

    def begin(self, trial: int) -> None:
        """Follow a trial whose run has no points yet."""
        self._points[trial] = {}

    def forget(self, trial: int | None) -> None:
        """Follow a trial no longer, because its run has points from elsewhere, or has ended."""
        if trial is not None:
            self._points.pop(trial, None)

    def add(self, trial: int | None, points: Iterable[tuple[str, int, float]]) -> None:
        """Take points that MLflow has taken.

        Args:
            trial: number of the trial; None for the study, which is not followed.
            points: name, step and value.
        """
        followed = None if trial is None else self._points.get(trial)
        if followed is not None:
            for name, step, value in points:
                if not name.startswith(PER_LAYER):
                    followed.setdefault(name, set()).add((step, value))

    def write(self, trial: int | None, path: Path, *, ended: int) -> bool:
        """Write the file of a trial that ends.

        Args:
            trial: number of the trial; None for the study.
            path: the file.
            ended: the end of its run in milliseconds since 1970.

        Returns:
            Whether there is anything to keep.

        Raises:
            OSError: if the disk does not take it.
        """
        points = self._points.get(trial) if trial is not None else None
        if not points:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {"ended": ended, "points": {name: sorted(each) for name, each in points.items()}})
        return True


def read_points(path: Path, *, ended: int, latest: Mapping[str, float]) -> History:
    """Read the file of a trial.

    Args:
        path: the file.
        ended: the end of the trial's run: a file of another end is of an earlier attempt.
        latest: the latest value of each metric, as MLflow knows it.

    Returns:
        The points of each metric of which the file says what MLflow says; empty if the file cannot be used.
    """
    content: Any = read_json(path)
    if not isinstance(content, dict) or content.get("ended") != ended:
        return {}
    try:
        points = {name: [(step, value) for step, value in each] for name, each in content["points"].items()}
        return {name: each for name, each in points.items() if max(each)[1] == latest.get(name)}
    except (KeyError, ValueError, AttributeError, TypeError):
        # Another version has written it.
        return {}
