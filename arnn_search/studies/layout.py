"""Where a study keeps its files: the one place that knows their names."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from arnn_search.errors import StudyError, UnknownNameError
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
    """A folder for a new study: of this name, or `stem` with the first number that is free."""
    if name is not None:
        return StudyLayout((root / name).resolve())
    taken = {path.name for path in root.glob(f"{stem}-*")}
    number = next(number for number in range(1, len(taken) + 2) if f"{stem}-{number}" not in taken)
    return StudyLayout((root / f"{stem}-{number}").resolve())
