"""A tracker for studies that nobody follows in MLflow."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from arnn_search.tracking.tracker import HeardPoint


class NullTracker:
    """Takes everything that a `Tracker` takes, and keeps nothing."""

    def start_study(
        self, params: Mapping[str, Any], tags: Mapping[str, Any], artifacts: Sequence[Path] = ()
    ) -> None:
        """Do nothing."""

    def start_trial(self, number: int, *, tags: Mapping[str, Any], milliseconds: int | None = None) -> None:
        """Do nothing."""

    def discard_trial(self, number: int) -> None:
        """Do nothing."""

    def log_params(self, number: int | None, params: Mapping[str, Any]) -> None:
        """Do nothing."""

    def log_metrics(
        self,
        number: int | None,
        metrics: Mapping[str, float],
        step: int,
        *,
        milliseconds: int | None = None,
    ) -> None:
        """Do nothing."""

    def set_tags(self, number: int | None, tags: Mapping[str, Any]) -> None:
        """Do nothing."""

    def set_note(self, text: str) -> None:
        """Do nothing."""

    def save_view(self, metric: str) -> None:
        """Do nothing."""

    def log_artifact(self, number: int | None, path: Path, artifact_path: str | None = None) -> None:
        """Do nothing."""

    def log_gradients(self, number: int, npz_path: Path, *, title: str | None = None) -> None:
        """Do nothing."""

    def end_trial(self, number: int, state: str, reason: str, *, milliseconds: int | None = None) -> None:
        """Do nothing."""

    def end_study(self, status: str) -> None:
        """Do nothing."""

    def told(self) -> dict[int, bool]:
        """Nothing."""
        return {}

    def heard(self, number: int) -> dict[int, "HeardPoint"]:
        """Nothing."""
        return {}

    def run_id(self, number: int | None) -> str | None:
        """None: there are no runs."""
        return None

    @property
    def experiment_id(self) -> str | None:
        """None: there is no experiment."""
        return None

    @property
    def num_delivered(self) -> int:
        """0: nothing is sent."""
        return 0

    @property
    def pending(self) -> int:
        """0: nothing waits."""
        return 0

    @property
    def rejected(self) -> int:
        """0: nothing was sent."""
        return 0

    @property
    def last_error(self) -> str | None:
        """None: nothing can fail."""
        return None

    def flush(self, timeout_seconds: float) -> bool:
        """True: nothing waits."""
        return True

    def close(self, timeout_seconds: float) -> bool:
        """True: nothing waits."""
        return True

    def farewell(self) -> str | None:
        """None: nothing remains."""
        return None
