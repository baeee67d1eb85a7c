"""What a format is given to write: the network, and what its inputs and outputs mean."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ExportedNetwork:
    """A trained network on its way out of this project; exists only in a process that has loaded Keras.

    Attributes:
        model: what is written: folded if that was asked for, with its scaling in front if `is_raw`.
        source: the model as the trial trained it.
        folded: whether `model` holds stock Keras layers only.
        is_raw: whether `model` takes inputs as the data hold them, rather than scaled ones.
        preprocess: what `preprocess.json` says; see `arnn_search.export.preprocess`.
        origin: the study, the trial and its hyperparameters, as JSON data.
    """

    model: Any
    source: Any
    folded: bool
    is_raw: bool
    preprocess: Mapping[str, Any]
    origin: Mapping[str, Any]

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, in the order of the outputs; empty for regression."""
        return tuple(self.preprocess["data"]["class_names"])
