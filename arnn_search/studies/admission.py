"""What becomes of an architecture that has been built: is it allowed, and is it new?

And of a model that has been trained: does it keep the limits that only show then?
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from optuna.trial import FrozenTrial

from arnn_search.health.rule import ProbeLimits
from arnn_search.trials.channel import Built
from arnn_search.trials.outcome import TrialOutcome

Duplicates = Literal["resample", "reuse", "repeat"]

MOST_TRIES = 5
"""How many proposals in place of one that was evaluated already; the last is trained whatever it is."""

OUT_OF_MEMORY = "memory"
"""The constraint that a trial has violated for which there is not enough memory. By how much is not known."""

BELOW_MIN_HEALTH = "below min_health"
"""The reason for which a trial that was trained to its end is infeasible."""


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
        max_memory: in bytes; a model whose training is estimated to take more is not trained. One for which
            no estimate can be made is.
        min_health: a model with a lower health score in its best epoch does not count, in (0, 1].
        duplicates: what happens to an architecture that has been evaluated: another proposal takes its place
            (where the engine can make one, else as `"reuse"`), or the recorded result does, or it is trained
            again with the seed of its own trial.
        probe: what health at initialisation a network must have to be trained; None: any.
    """

    max_parameters: int | None = None
    max_latency_ms: float | None = None
    duplicates: Duplicates = "repeat"
    min_health: float | None = None
    probe: ProbeLimits | None = None
    max_memory: int | None = None

    def constraints(self, built: Built) -> dict[str, float]:
        """How far each limit is exceeded, relative to the limit; at most 0 where it is kept."""
        measured = {
            "max_parameters": (self.max_parameters, built.num_parameters),
            "max_latency_ms": (self.max_latency_ms, built.latency_ms),
            "max_memory": (self.max_memory, built.training_bytes),
        }
        return {
            name: value / limit - 1
            for name, (limit, value) in measured.items()
            if limit is not None and value is not None
        }

    def initial_constraints(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """How far health at initialisation exceeds each limit of the probe; at most 0 where it is kept.

        Args:
            metrics: of the probe.
        """
        return {} if self.probe is None else self.probe.constraints(metrics)

    def judge_probed(self, metrics: Mapping[str, float]) -> TrialOutcome | None:
        """How a trial ends that is not worth training for its health at initialisation; None if it is."""
        for name, value in self.initial_constraints(metrics).items():
            if value > 0:
                index = "collapse" if name.endswith("collapse") else "vanishing_index"
                measured = metrics[f"initial_health/{index}"]
                message = (
                    f"At initialisation its {index} is {measured:.2f}; {name} is "
                    f"{getattr(self.probe, name):g}."
                )
                return TrialOutcome("infeasible", f"exceeds {name}", message)
        return None

    def health_constraint(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """How far the health score falls short of its limit, relative to the limit; at most 0 if it does not.

        A score that is not known, such as that of a single layer after one epoch, counts as just enough.

        Args:
            metrics: of the model's best epoch.
        """
        if self.min_health is None:
            return {}
        return {"min_health": 1 - metrics.get("health/score", self.min_health) / self.min_health}

    def judge_trained(self, metrics: Mapping[str, float]) -> TrialOutcome | None:
        """How a trial ends whose model does not keep the limit on health; None if it does."""
        if not any(value > 0 for value in self.health_constraint(metrics).values()):
            return None
        message = (
            f"Its health score is {metrics['health/score']:.3f}; min_health is {self.min_health:g}. "
            "It is recorded, but not ranked."
        )
        return TrialOutcome("infeasible", BELOW_MIN_HEALTH, message)

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
            if source.constraints.get(OUT_OF_MEMORY, 0) > 0:
                message = f"The same architecture as trial {source.number}, which ran out of memory."
                return Decision("refuse", reason="reused", message=message, source=source)
            message = f"The same architecture as trial {source.number}, whose result is taken over."
            return Decision("reuse", reason="reused", message=message, source=source)
        return Decision("resample") if tries < MOST_TRIES else TRAIN

    def _sentence(self, built: Built, name: str) -> str:
        if name == "max_parameters":
            return f"Has {built.num_parameters:,} weights; {name} is {self.max_parameters:,}."
        if name == "max_memory":
            megabytes = [(value or 0) / 1e6 for value in (built.training_bytes, self.max_memory)]
            return f"Training it takes about {megabytes[0]:,.0f} MB; {name} is {megabytes[1]:,.0f} MB."
        return f"Takes {built.latency_ms:.2f} ms per sample; {name} is {self.max_latency_ms:g}."
