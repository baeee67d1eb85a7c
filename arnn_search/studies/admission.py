"""What becomes of an architecture that has been built: is it allowed, and is it new?"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from optuna.trial import FrozenTrial

from arnn_search.trials.channel import Built

Duplicates = Literal["resample", "reuse", "repeat"]

MOST_TRIES = 5
"""How many proposals in place of one that was evaluated already; the last is trained whatever it is."""


@dataclass(frozen=True)
class Decision:
    """What becomes of it.

    Attributes:
        action: `"train"`, `"refuse"`, `"resample"` or `"reuse"`.
        reason: why it is refused, in the words by which trials can be grouped.
        message: one sentence for people.
        source: the trial whose result is taken over.
    """

    action: Literal["train", "refuse", "resample", "reuse"]
    reason: str = ""
    message: str = ""
    source: FrozenTrial | None = None


TRAIN = Decision("train")


@dataclass(frozen=True)
class Admission:
    """The rules of a study.

    Attributes:
        max_parameters: more weights than this are not trained.
        max_latency_ms: a slower model is not trained.
        duplicates: what happens to an architecture that has been evaluated: another proposal takes its place
            (where the engine can make one, else as `"reuse"`), or the recorded result does, or it is trained
            again with the seed of its own trial.
    """

    max_parameters: int | None = None
    max_latency_ms: float | None = None
    duplicates: Duplicates = "repeat"

    def constraints(self, built: Built) -> dict[str, float]:
        """How far each limit is exceeded, relative to the limit; at most 0 where it is kept."""
        measured = {
            "max_parameters": (self.max_parameters, built.num_parameters),
            "max_latency_ms": (self.max_latency_ms, built.latency_ms),
        }
        return {
            name: value / limit - 1
            for name, (limit, value) in measured.items()
            if limit is not None and value is not None
        }

    def judge(
        self,
        built: Built,
        evaluated: Callable[[str], FrozenTrial | None],
        *,
        tries: int,
        can_resample: bool,
    ) -> Decision:
        """Decides.

        Args:
            built: what has been built.
            evaluated: finds a trial with a result by its architecture.
            tries: how many proposals have been resampled for this trial.
            can_resample: whether the engine can propose something else for it.
        """
        exceeded = [name for name, value in self.constraints(built).items() if value > 0]
        if exceeded:
            return Decision(
                "refuse", reason=f"exceeds {exceeded[0]}", message=self._sentence(built, exceeded[0])
            )
        source = None if self.duplicates == "repeat" else evaluated(built.architecture)
        if source is None:
            return TRAIN
        if self.duplicates == "reuse" or not can_resample:
            message = f"The same architecture as trial {source.number}, whose result is taken over."
            return Decision("reuse", reason="reused", message=message, source=source)
        return Decision("resample") if tries < MOST_TRIES else TRAIN

    def _sentence(self, built: Built, name: str) -> str:
        if name == "max_parameters":
            return f"Has {built.num_parameters:,} weights; {name} is {self.max_parameters:,}."
        return f"Takes {built.latency_ms:.2f} ms per sample; {name} is {self.max_latency_ms:g}."
