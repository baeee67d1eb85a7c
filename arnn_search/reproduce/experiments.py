"""The table of experiments: a new one is an entry, and perhaps a search space beside it."""

from collections.abc import Mapping

from arnn_search.errors import UnknownNameError
from arnn_search.matched.network import Network
from arnn_search.reproduce.claims import Factor, Level, Smaller
from arnn_search.reproduce.experiment import Experiment, Size

_POSTER = '"Auto-Rotating Neural Networks" (Saromo-Mori, Valdenegro-Toro)'
_PERCEPTRONS = '"Auto-Rotating Perceptrons" (Saromo, Villota, Villanueva; arXiv:1910.02483)'
_CALIBRATION = '"Smart Sensor Calibration with Auto-Rotating Perceptrons" (Saromo, Bravo, Villota; LXAI 2020)'


def _network(name: str, label: str, family: str, limit_mode: str = "fixed", **more: str) -> Network:
    return Network(name, label, {**more, "family": family, "limit_mode": limit_mode})


_CLASSIC = _network("classic", "classic", "classic")
_AR = _network("ar", "AR", "ar")
_AR_LEARNED = _network("ar_learned", "AR, L learned", "ar", "learnable")

_FOUR_AND_LEARNED = (
    _CLASSIC,
    _network("bn", "BN", "bn"),
    _AR,
    _network("ar_bn", "AR + BN", "ar_bn"),
    _AR_LEARNED,
    _network("ar_bn_learned", "AR + BN, L learned", "ar_bn", "learnable"),
)

_THREE = (_CLASSIC, _AR, _AR_LEARNED)

_CELLS = {"simple_rnn": "SimpleRNN", "lstm": "LSTM", "gru": "GRU"}
_RECURRENT = tuple(
    _network(f"{cell}_{suffix}", f"{label}, {words}", family, mode, cell=cell)
    for cell, label in _CELLS.items()
    for suffix, words, family, mode in (
        ("classic", "classic", "classic", "fixed"),
        ("ar", "AR", "ar", "fixed"),
        ("ar_learned", "AR, L learned", "ar", "learnable"),
    )
)

EXPERIMENTS: Mapping[str, Experiment] = {
    experiment.name: experiment
    for experiment in (
        Experiment(
            name="poster",
            title="Four networks from the same initial weights, and with learnable limits",
            source=_POSTER,
            space="poster",
            networks=_FOUR_AND_LEARNED,
            data=("fashion-mnist", "cifar10", "mnist", "digits"),
            activations=("sigmoid", "tanh", "relu"),
            size=Size(epochs=10, seeds=5, max_train_samples=10_000),
            quick=Size(epochs=3, seeds=2, max_train_samples=2_000),
            claims=(
                Smaller("BN reduces the vanishing gradient", "vanishing", "bn", ("classic",)),
                Smaller("AR reduces the vanishing gradient", "vanishing", "ar", ("classic",)),
                Smaller(
                    "AR's gradients are more uniform across layers", "uniformity", "ar", ("classic", "bn")
                ),
                Smaller("AR's gradients are more stable across epochs", "stability", "ar", ("classic", "bn")),
                Smaller("AR with BN is best", "best_score", "ar_bn", ("classic", "bn", "ar"), larger=True),
            ),
        ),
        Experiment(
            name="arp-mlp",
            title="A deep sigmoid perceptron, classic and auto-rotating",
            source=_PERCEPTRONS,
            space="deep_mlp",
            networks=_THREE,
            data=("fashion-mnist", "mnist", "cifar10", "digits"),
            activations=("sigmoid", "tanh"),
            size=Size(epochs=30, seeds=5, max_train_samples=20_000),
            quick=Size(epochs=6, seeds=2, max_train_samples=4_000),
            claims=(
                Smaller("AR reaches a lower loss", "val_loss", "ar", ("classic",)),
                Smaller("AR reaches it faster", "epochs_to_reach", "ar", ("classic",)),
            ),
        ),
        Experiment(
            name="calibration",
            title="Calibration of a raw sensor signal with sigmoid units",
            source=_CALIBRATION,
            space="deep_mlp",
            networks=_THREE,
            data=("glucose",),
            activations=("sigmoid", "tanh"),
            size=Size(epochs=40, seeds=5),
            quick=Size(epochs=5, seeds=2, max_train_samples=5_000),
            with_test=True,
            measures=("val_loss", "test_loss", "seconds", "vanishing", "uniformity", "stability"),
            claims=(
                Smaller("AR lowers the test loss", "test_loss", "ar", ("classic",)),
                Factor("AR divides the test loss by 15", "test_loss", "classic", "ar", 15.0, at_least=True),
                Factor("AR takes 12 % more time", "seconds", "ar", "classic", 1.12),
            ),
        ),
        Experiment(
            name="relu",
            title="ReLU units: behind at first, level later",
            source=f"{_CALIBRATION}, Figure 2",
            space="deep_mlp",
            networks=_THREE,
            data=("glucose", "fashion-mnist", "digits"),
            activations=("relu",),
            measures=("early_loss", "val_loss", "vanishing", "uniformity", "stability"),
            size=Size(epochs=40, seeds=5),
            quick=Size(epochs=10, seeds=2, max_train_samples=5_000),
            claims=(
                Smaller("AR is behind at first", "early_loss", "ar", ("classic",), larger=True),
                Level("AR is level later", "val_loss", "ar", "classic", margin=0.05),
            ),
        ),
        Experiment(
            name="recurrent",
            title="Recurrent layers on the way of a pen",
            source=f"{_POSTER}, which names the layers and gives no figures",
            space="recurrent",
            networks=_RECURRENT,
            data=("pen-digits",),
            size=Size(epochs=10, seeds=5),
            quick=Size(epochs=3, seeds=2, max_train_samples=1_500),
            claims=tuple(
                Smaller(
                    f"{label}: AR scores higher",
                    "best_score",
                    f"{cell}_ar",
                    (f"{cell}_classic",),
                    larger=True,
                )
                for cell, label in _CELLS.items()
            ),
        ),
    )
}


def find_experiment(name: str) -> Experiment:
    """The experiment of this name.

    Raises:
        UnknownNameError: there is none; lists the nearest.
    """
    if name not in EXPERIMENTS:
        raise UnknownNameError("experiment", name, EXPERIMENTS)
    return EXPERIMENTS[name]
