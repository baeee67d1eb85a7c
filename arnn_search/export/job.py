"""What the processes of an export tell one another: plain data, made without Keras."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from arnn_search.export.drawing import Box


@dataclass(frozen=True)
class WriteJob:
    """What to write.

    Attributes:
        source: the trial's model.
        data: the folder of the prepared data.
        destinations: the path of each format, by its name.
        exchange: a folder for `inputs.npy` and `reference.npy`: what each file is tried on, and what the
            trial's own model makes of it, on the validation part followed by the test part.
        fold: whether auto-rotating layers become stock Keras layers.
        is_raw: whether scaling becomes part of the network.
        origin: study, trial and hyperparameters.
        part: the part of the data on which the recorded score was taken.
    """

    source: Path
    data: Path
    destinations: Mapping[str, Path]
    exchange: Path
    fold: bool
    is_raw: bool
    origin: Mapping[str, Any]
    part: Literal["validation", "test"] = "validation"


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes:
        failed: why a format could not be written, by its name.
        scores: what the trial's model gives on `part` now.
        num_parameters: weights of the network that the trial trained.
        num_exported_parameters: weights of what was written, scaling included.
        boxes: its layers, to be drawn.
        preprocess: the content of `preprocess.json`.
    """

    scores: Mapping[str, float]
    num_parameters: int
    num_exported_parameters: int
    boxes: tuple[Box, ...]
    preprocess: Mapping[str, Any]
    failed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """How a file's outputs compare with those of the trial's model.

    Attributes:
        difference: the largest one, relative to 1 or to the output if larger.
        scores: loss and metrics on the job's part, computed from the file's outputs.
    """

    difference: float
    scores: Mapping[str, float]
