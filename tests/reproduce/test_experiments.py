import keras
import numpy as np
import pytest

from arnn_search.data import prepare
from arnn_search.errors import ConfigurationError, UnknownNameError
from arnn_search.matched.sampler import MatchedSampler, networks_text
from arnn_search.reproduce.experiment import make_setting
from arnn_search.reproduce.experiments import EXPERIMENTS, find_experiment
from arnn_search.spaces.discovery import read_space_file
from arnn_search.spaces.hyperparameters import AskingHyperParameters
from arnn_search.spaces.space import load_space_file

POINTS = {"recurrent": "pen-digits", "calibration": "glucose", "relu": "glucose"}


def build(experiment, network, seed, data):
    space = load_space_file(read_space_file(experiment.space_file, origin="test"))
    fixed = {"activation": experiment.activations[0]} if experiment.activations else {}
    values = {**network.parameters, **fixed, "seed": seed}
    return space.build(AskingHyperParameters(lambda parameter: values[parameter.name]), data.spec)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    return {
        name: prepare(POINTS.get(name, "digits"), max_train_samples=40, cache_directory=cache)
        for name in EXPERIMENTS
    }


@pytest.mark.parametrize("name", list(EXPERIMENTS))
def test_networks_that_are_compared_begin_with_the_same_weights(name, prepared):
    experiment = EXPERIMENTS[name]
    models = [build(experiment, network, 3, prepared[name]) for network in experiment.networks]
    by_cell = {}
    for network, model in zip(experiment.networks, models, strict=True):
        by_cell.setdefault(network.parameters.get("cell"), []).append(kernels(model))
    for first, *others in by_cell.values():
        for other in others:
            assert len(first) == len(other)
            for ours, theirs in zip(first, other, strict=True):
                np.testing.assert_array_equal(ours, theirs)
    another = kernels(build(experiment, experiment.networks[0], 4, prepared[name]))
    assert not np.array_equal(another[0], kernels(models[0])[0])


def kernels(model):
    return [
        keras.ops.convert_to_numpy(variable)
        for variable in model.trainable_variables
        if variable.name.endswith("kernel")
    ]


@pytest.mark.parametrize("name", list(EXPERIMENTS))
def test_families_are_what_their_networks_say(name, prepared):
    experiment = EXPERIMENTS[name]
    for network in experiment.networks:
        model = build(experiment, network, 0, prepared[name])
        rotated = [layer for layer in model.layers if hasattr(layer, "limit_values")]
        assert bool(rotated) == network.parameters["family"].startswith("ar")
        normalised = any(isinstance(layer, keras.layers.BatchNormalization) for layer in model.layers)
        assert normalised == network.parameters["family"].endswith("bn")
        assert all(
            layer.learn_limit == (network.parameters["limit_mode"] == "learnable") for layer in rotated
        )
        assert not hasattr(model.layers[-1], "limit_values")


def test_trials_are_every_network_from_seed_0_then_from_seed_1():
    optuna = pytest.importorskip("optuna")
    networks = [{"family": "classic"}, {"family": "ar", "limit_mode": "fixed"}]
    study = optuna.create_study(sampler=MatchedSampler(networks_text(networks), fixed="activation:tanh"))
    asked = []
    for _ in range(4):
        trial = study.ask()
        seed = trial.suggest_int("seed", 0, 999)
        family = trial.suggest_categorical("family", ["classic", "ar"])
        asked.append((seed, family, trial.suggest_categorical("activation", ["sigmoid", "tanh"])))
    assert asked == [(0, "classic", "tanh"), (0, "ar", "tanh"), (1, "classic", "tanh"), (1, "ar", "tanh")]
    with pytest.raises(ValueError, match="No value of 'width' is given"):
        study.ask().suggest_int("width", 1, 9)


def test_networks_in_another_notation_are_refused():
    with pytest.raises(ValueError, match=r"name:value pairs.*Received: 'family=ar'"):
        MatchedSampler("family=ar")


def test_setting_fills_in_defaults_and_names_the_study():
    poster = find_experiment("poster")
    setting = make_setting(poster, activation="tanh")
    assert setting.study_name == "poster-fashion-mnist-tanh"
    assert setting.num_trials == len(poster.networks) * poster.size.seeds
    quick = make_setting(poster, quick=True, epochs=1)
    assert quick.study_name == "poster-fashion-mnist-sigmoid-quick-1-epochs"
    assert quick.size.max_train_samples == poster.quick.max_train_samples


@pytest.mark.parametrize(
    ("name", "choice", "message"),
    [
        ("poster", {"data": "glucose"}, "Unknown data set of poster 'glucose'"),
        ("poster", {"activation": "sigmod"}, "Did you mean sigmoid"),
        ("recurrent", {"activation": "tanh"}, "--activation is no choice of 'recurrent'"),
        ("poster", {"seeds": 0}, "--seeds must be at least 1. Received: 0"),
    ],
)
def test_wrong_choices_are_named(name, choice, message):
    with pytest.raises((ConfigurationError, UnknownNameError), match=message):
        make_setting(find_experiment(name), **choice)


def test_unknown_experiment_names_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean poster"):
        find_experiment("postr")
