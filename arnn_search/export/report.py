"""What an export has written, and how it was checked."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ExportedFile:
    """One format of an export.

    Attributes:
        format: its name.
        path: the file or folder.
        score: the recorded metric, computed from the outputs that its own runtime gave in a clean process;
            None for a format without weights.
        difference: the largest difference of those outputs on the test part to the trial's model, relative
            to 1 or to the output if larger; None likewise.
        milliseconds: median time for one sample on this machine, called from Python; None likewise.
    """

    format: str
    path: Path
    score: float | None
    difference: float | None
    milliseconds: float | None


@dataclass(frozen=True)
class ExportReport:
    """What was exported, and how it was checked.

    Attributes:
        path: the file or folder.
        study: the study's name.
        trial: the trial's number.
        metric: the metric that was compared.
        recorded: its value when the trial was run, on the validation part.
        verified: the value, of those that the files gave in clean processes, that is farthest from it.
        folded: whether the files hold stock Keras layers only.
        raw_inputs: whether they take inputs as the data hold them, rather than scaled ones.
        files: every format.
    """

    path: Path
    study: str
    trial: int
    metric: str
    recorded: float
    verified: float
    folded: bool
    raw_inputs: bool = False
    files: tuple[ExportedFile, ...] = ()
