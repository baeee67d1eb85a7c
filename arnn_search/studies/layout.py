"""Where a study keeps its files: the one place that knows their names."""

import contextlib
import itertools
import os
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from arnn_search.errors import StudyError, UnknownNameError
from arnn_search.studies.patience import is_disk_full
from arnn_search.studies.storage import FILE_NAME


@dataclass(frozen=True)
class StudyLayout:
    """The folder of a study.

    Attributes:
        directory: the folder, absolute.
    """

    directory: Path

    @property
    def name(self) -> str:
        """The study's name, which is the folder's."""
        return self.directory.name

    @property
    def ledger(self) -> Path:
        """Optuna's journal."""
        return self.directory / FILE_NAME

    @property
    def config(self) -> Path:
        """The resolved configuration."""
        return self.directory / "study.toml"

    @property
    def space(self) -> Path:
        """A copy of the search space as it was when the study began."""
        return self.directory / "space.py"

    @property
    def lock(self) -> Path:
        """Held by the supervisor while it runs."""
        return self.directory / "supervisor.lock"

    @property
    def tracking(self) -> Path:
        """What is still to be sent to MLflow, and how far that has come."""
        return self.directory / "tracking"

    @property
    def oracle_log(self) -> Path:
        """What the process that hosts KerasTuner's oracle prints."""
        return self.directory / "oracle.log"

    def trial(self, number: int) -> Path:
        """The folder of one trial."""
        return self.directory / "trials" / f"{number:05d}"


def data_cache(root: Path) -> Path:
    """Where prepared data lie, shared by the studies below `root`."""
    return root / ".data"


def find_layout(root: Path, name: str | None) -> StudyLayout:
    """The study of this name, or the latest one.

    Raises:
        UnknownNameError: there is no study of this name.
        StudyError: there is no study at all.
    """
    layouts = all_layouts(root)
    if not layouts:
        raise StudyError(f"There is no study in {root}. `arnn-search run` starts one.")
    if name is None:
        return layouts[-1]
    for layout in layouts:
        if layout.name == name:
            return layout
    raise UnknownNameError("study", name, (layout.name for layout in layouts))


def all_layouts(root: Path) -> list[StudyLayout]:
    """Every study below `root`, the one that was started or resumed last at the end."""
    directories = [path.parent for path in root.glob("*/study.toml") if _has_ledger(path)]
    ordered = sorted(directories, key=lambda directory: (directory / "study.toml").stat().st_mtime_ns)
    return [StudyLayout(directory.resolve()) for directory in ordered]


def _has_ledger(config: Path) -> bool:
    """Not so if the start of the study was cut off."""
    if (config.parent / FILE_NAME).is_file():
        return True
    return "storage" in tomllib.loads(config.read_text(encoding="utf-8"))


def new_layout(root: Path, name: str | None, *, stem: str) -> StudyLayout:
    """A folder for a new study, made here: of this name, or `stem` with the first number that is free."""
    if name is not None:
        (root / name).mkdir(parents=True, exist_ok=True)
        return StudyLayout((root / name).resolve())
    for number in itertools.count(1):
        with contextlib.suppress(FileExistsError):  # also if another study takes it at this moment
            (root / f"{stem}-{number}").mkdir(parents=True)
            break
    return StudyLayout((root / f"{stem}-{number}").resolve())


def write_whole(path: Path, text: str) -> None:
    """Replaces a file in one step, so that nobody, and no full disk, ever leaves half of it."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)


def check_writable(directory: Path) -> None:
    """Makes sure that files can be written into a folder, which is made if it is missing.

    Raises:
        StudyError: it cannot be written; says why.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=directory).close()
    except OSError as error:
        raise StudyError(
            f"The folder {directory} cannot be written: {error.strerror}. Studies need a place for their "
            "ledger, models and data: give one with --directory, or make this one writable."
        ) from error


def make_directory(directory: Path) -> None:
    """Makes the folder of a trial, if it is missing.

    Raises:
        OSError: the disk is full.
        StudyError: it cannot be made for another reason.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if is_disk_full(error):
            raise
        raise StudyError(
            f"The folder {directory} cannot be made: {error.strerror}. The study has stopped; what was "
            "reported before is kept, and `arnn-search resume` goes on when that is mended."
        ) from error


def mark_as_latest(layout: StudyLayout) -> None:
    """Makes a study the one that was started or resumed last, also where the clock was set back."""
    others = [path for path in layout.directory.parent.glob("*/study.toml") if path != layout.config]
    newest = max((path.stat().st_mtime_ns for path in others), default=0)
    if layout.config.stat().st_mtime_ns <= newest:
        os.utime(layout.config, ns=(newest + 1, newest + 1))
