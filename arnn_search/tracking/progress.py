"""What a sender remembers between two processes: how far it came, and which run is whose."""

import contextlib
from dataclasses import dataclass, field
from pathlib import Path

from arnn_search.tracking.paths import read_json, write_json


@dataclass
class Cursor:
    """How far the spool has been delivered.

    Attributes:
        path: where it is kept.
        offset: byte offset of the first record that is not delivered.
        num_records: lines before that offset.
    """

    path: Path
    offset: int = 0
    num_records: int = 0

    @classmethod
    def load(cls, path: Path, *, spool: Path) -> "Cursor":
        """Read it, or start at the beginning: sending a record again changes nothing in MLflow."""
        stored = read_json(path)
        try:
            cursor = cls(path, int(stored["offset"]), int(stored["num_records"]))
            # A spool that is shorter is another one.
            return cursor if cursor.offset <= spool.stat().st_size else cls(path)
        except (TypeError, KeyError, ValueError, OSError):
            return cls(path)

    def advance(self, offset: int, num_records: int) -> None:
        """Go on to an offset; on a full disk only in memory, until the next call."""
        self.offset = offset
        self.num_records += num_records
        with contextlib.suppress(OSError):
            write_json(self.path, {"offset": self.offset, "num_records": self.num_records})


@dataclass
class RunIds:
    """The MLflow experiment and runs of one study.

    Attributes:
        path: where they are kept.
        experiment: id of the experiment.
        study: id of the parent run.
        trials: id of each trial's run by the trial's number.
    """

    path: Path
    experiment: str | None = None
    study: str | None = None
    trials: dict[int, str] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> "RunIds":
        """Read them; what is missing is looked up in MLflow when it is needed."""
        stored = read_json(path)
        try:
            trials = {int(number): str(run) for number, run in stored["trials"].items()}
            return cls(path, stored["experiment"], stored["study"], trials)
        except (TypeError, KeyError, ValueError, AttributeError):
            return cls(path)

    def of(self, trial: int | None) -> str | None:
        """The run of a trial, or of the study for None; None where there is no run yet."""
        return self.study if trial is None else self.trials.get(trial)

    def remember(self, trial: int | None, run_id: str) -> None:
        """Keep a run's id; on a full disk only in memory, and found by its tags after a restart."""
        if trial is None:
            self.study = run_id
        else:
            self.trials[trial] = run_id
        self.save()

    def forget(self, trial: int) -> None:
        """Drop the run of a trial, so that the next start makes a new one."""
        self.trials.pop(trial, None)
        self.save()

    def save(self) -> None:
        """Write them, if the disk takes them."""
        with contextlib.suppress(OSError):
            write_json(
                self.path,
                {"experiment": self.experiment, "study": self.study, "trials": self.trials},
            )
