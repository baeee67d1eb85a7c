"""What an experiment is: networks that differ in one thing, the data, and what was claimed of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from arnn_search.errors import ConfigurationError, UnknownNameError
from arnn_search.matched.network import Network
from arnn_search.reproduce.claims import Claim

_NETWORKS = Path(__file__).parent / "networks"


@dataclass(frozen=True)
class Size:
    """How much is trained.

    Attributes:
        epochs: of each network.
        seeds: from how many seeds each network is trained.
        max_train_samples: of the training part; None for all of it.
    """

    epochs: int
    seeds: int
    max_train_samples: int | None = None


@dataclass(frozen=True)
class Experiment:
    """A published result, as something to run.

    Attributes:
        name: on the command line.
        title: a few words.
        source: where it was published.
        space: the stem of its search space's file.
        networks: in the order in which they are trained.
        data: data sets that fit, the default first.
        activations: what `--activation` may be, the default first; empty if it is no choice.
        size: by default.
        quick: with `--quick`.
        batch_size: samples per training step.
        claims: what was claimed.
        with_test: whether every network is scored on the test part, which nothing here is chosen by.
        measures: of `outcomes.MEASURES`, the columns of the table.
    """

    name: str
    title: str
    source: str
    space: str
    networks: tuple[Network, ...]
    data: tuple[str, ...]
    size: Size
    quick: Size
    claims: tuple[Claim, ...]
    activations: tuple[str, ...] = ()
    batch_size: int = 128
    with_test: bool = False
    measures: tuple[str, ...] = ("best_score", "val_loss", "vanishing", "uniformity", "stability")

    @property
    def space_file(self) -> Path:
        """The search space."""
        return _NETWORKS / f"{self.space}.py"


@dataclass(frozen=True)
class Setting:
    """An experiment with everything chosen.

    Attributes:
        experiment: what is run.
        data: the data set.
        activation: of the networks; empty if it is no choice.
        size: how much is trained.
    """

    experiment: Experiment
    data: str
    activation: str
    size: Size
    is_quick: bool = field(default=False)

    @property
    def study_name(self) -> str:
        """The study's name: the same setting goes on with the same study."""
        parts = [self.experiment.name, self.data, self.activation]
        usual = self.experiment.quick if self.is_quick else self.experiment.size
        if self.is_quick:
            parts.append("quick")
        if self.size.epochs != usual.epochs:
            parts.append(f"{self.size.epochs}-epochs")
        if self.size.max_train_samples != usual.max_train_samples:
            parts.append(f"{self.size.max_train_samples or 'all'}-samples")
        return "-".join(part for part in parts if part)

    @property
    def num_trials(self) -> int:
        """Networks times seeds."""
        return len(self.experiment.networks) * self.size.seeds


def make_setting(
    experiment: Experiment,
    *,
    data: str | None = None,
    activation: str | None = None,
    epochs: int | None = None,
    seeds: int | None = None,
    max_train_samples: int | None = None,
    quick: bool = False,
) -> Setting:
    """Fills in the defaults.

    Raises:
        UnknownNameError: the experiment has no such data set or activation.
        ConfigurationError: a number below 1, or an activation where there is no choice.
    """
    usual = experiment.quick if quick else experiment.size
    for name, value in (("epochs", epochs), ("seeds", seeds), ("max-train-samples", max_train_samples)):
        if value is not None and value < 1:
            raise ConfigurationError(f"--{name} must be at least 1. Received: {value}.")
    if activation is not None and not experiment.activations:
        raise ConfigurationError(
            f"--activation is no choice of {experiment.name!r}. Received: {activation!r}."
        )
    return Setting(
        experiment,
        data=_chosen("data set of " + experiment.name, data, experiment.data),
        activation=_chosen("activation of " + experiment.name, activation, experiment.activations or ("",)),
        size=Size(epochs or usual.epochs, seeds or usual.seeds, max_train_samples or usual.max_train_samples),
        is_quick=quick,
    )


def _chosen(kind: str, name: str | None, known: Sequence[str]) -> str:
    if name is None:
        return known[0]
    if name not in known:
        raise UnknownNameError(kind, name, known)
    return name
