"""What a format is: it writes a network, and a self-contained function opens what it wrote."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from arnn_search.errors import ExportError

if TYPE_CHECKING:
    import numpy as np

    from arnn_search.export.network import ExportedNetwork

Predict = Callable[["np.ndarray"], "np.ndarray"]
"""Inputs `(samples, ...)` to outputs `(samples, outputs)`, both float32."""


class ExportFormat(ABC):
    """A way to take a network out of this project.

    Attributes:
        name: as `--format` takes it.
        file_name: the file, or the folder, that it writes into an export folder.
        suffix: of a single file; empty where the format is more than one file.
        other_files: what it writes beside it.
        summary: one line for people.
        runtime: what opens it; files of one runtime are verified in one process.
        packages: what writing needs beyond this project's own dependencies, and the extra that installs it.
        needs_tensorflow: whether writing needs Keras' TensorFlow backend.
        needs_stock_layers: whether auto-rotating layers must have been folded.
        has_weights: whether it can be run, rather than only built.
    """

    name: ClassVar[str]
    file_name: ClassVar[str]
    suffix: ClassVar[str] = ""
    other_files: ClassVar[tuple[str, ...]] = ()
    summary: ClassVar[str]
    runtime: ClassVar[Literal["keras", "tensorflow", "onnxruntime"]]
    packages: ClassVar[tuple[str, ...]] = ()
    extra: ClassVar[str] = ""
    needs_tensorflow: ClassVar[bool] = False
    needs_stock_layers: ClassVar[bool] = False
    has_weights: ClassVar[bool] = True

    @abstractmethod
    def write(self, network: "ExportedNetwork", path: Path) -> None:
        """Writes the network; `path` does not exist. Runs in a process that has loaded Keras."""

    @property
    @abstractmethod
    def opener(self) -> Callable[[str], Any]:
        """A function from a path to a `Predict`, which needs nothing but the format's own runtime.

        A clean process runs its source alone, so it imports what it needs itself. For a format without
        weights it gives the number of parameters instead.
        """

    @abstractmethod
    def read_preprocess(self, path: Path) -> Mapping[str, Any] | None:
        """What the file itself says about inputs and outputs; None if it says nothing."""

    @abstractmethod
    def how_to_load(self, path: str) -> str:
        """Python that loads the file and runs it on `x`, without this project."""

    def matches(self, path: Path) -> bool:
        """Whether a file or folder looks like one of this format."""
        return bool(self.suffix) and path.suffix == self.suffix and path.is_file()

    @property
    def is_installed(self) -> bool:
        """Whether everything is there that writing it needs."""
        return all(find_spec(package) for package in self.packages)

    def check_installed(self) -> None:
        """Raises an `ExportError` that says what to install, if something is missing."""
        missing = [package for package in self.packages if find_spec(package) is None]
        if missing:
            raise ExportError(
                f"The format {self.name} needs {' and '.join(missing)}: "
                f"python -m pip install 'arnn-search[{self.extra}]'."
            )
