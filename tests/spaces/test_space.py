import keras
import keras_tuner
import optuna
import pytest

import arnn_search
from arnn_search.errors import SpaceError
from arnn_search.spaces.discovery import find_spaces

BUILT_IN = ("poster-cnn", "dense-stack", "conv-classifier")


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    return arnn_search.data.prepare("digits", cache_directory=tmp_path_factory.mktemp("cache"))


def test_every_built_in_space_is_listed_here():
    assert {space.name for space in find_spaces() if space.origin != "entry point"} == set(BUILT_IN)


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_space_builds_its_defaults(name, digits):
    model = arnn_search.load_space(name).build(keras_tuner.HyperParameters(), digits.spec)
    assert model.input_shape == (None, 8, 8, 1)
    assert model.output_shape == (None, 10)
    assert model.compiled


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize("family", ["classic", "ar", "bn", "ar_bn"])
def test_built_in_space_has_every_family(name, family, digits):
    hp = keras_tuner.HyperParameters()
    hp.Choice("family", ["classic", "ar", "bn", "ar_bn"])
    hp.values["family"] = family
    model = arnn_search.load_space(name).build(hp, digits.spec)
    kinds = {type(layer).__name__ for layer in model.layers}
    assert any(kind.startswith("AutoRot") for kind in kinds) == (family in ("ar", "ar_bn"))
    assert ("BatchNormalization" in kinds) == (family in ("bn", "ar_bn"))


@pytest.mark.parametrize("name", ["poster-cnn", "conv-classifier"])
def test_image_space_refuses_a_table_and_names_one_that_fits(name, small_data):
    with pytest.raises(SpaceError, match=r"needs images .*--space dense-stack"):
        arnn_search.load_space(name).build(keras_tuner.HyperParameters(), small_data.spec)


def test_hypermodel_works_in_a_keras_tuner_search(tmp_path, write_space, small_data):
    space = arnn_search.load_space(write_space())
    tuner = keras_tuner.RandomSearch(
        space.hypermodel(small_data),
        objective="val_accuracy",
        max_trials=2,
        seed=1,
        directory=tmp_path,
        project_name="tuner",
    )
    tuner.search(*small_data.train(), validation_data=small_data.validation(), epochs=1, verbose=0)
    best = tuner.get_best_hyperparameters(1)[0]
    assert {"units", "activation", "learning_rate"} <= set(best.values)


def test_objective_works_in_an_optuna_study_and_prunes(write_space, small_data):
    objective = arnn_search.load_space(write_space()).objective(small_data, epochs=3, batch_size=16)
    study = optuna.create_study(
        direction=objective.direction,
        sampler=optuna.samplers.RandomSampler(seed=0),
        pruner=optuna.pruners.ThresholdPruner(lower=0.999, n_warmup_steps=1),
    )
    study.optimize(objective, n_trials=2)
    assert set(study.trials[0].params) == {"units", "activation", "learning_rate"}
    assert {trial.state.name for trial in study.trials} <= {"COMPLETE", "PRUNED"}
    assert all(len(trial.intermediate_values) in (2, 3) for trial in study.trials)


def test_objective_refuses_no_epochs(write_space, small_data):
    with pytest.raises(ValueError, match=r"`epochs` must be at least 1. Received: 0"):
        arnn_search.load_space(write_space()).objective(small_data, epochs=0)


def test_one_sigmoid_unit_is_enough_for_two_classes(write_space, small_data):
    space = write_space('Dense(data.output_units, activation="softmax"', 'Dense(1, activation="sigmoid"')
    text = space.read_text().replace(
        "data.loss, metrics=data.metrics", '"binary_crossentropy", metrics=["accuracy"]'
    )
    space.write_text(text)
    model = arnn_search.load_space(space).build(keras_tuner.HyperParameters(), small_data.spec)
    assert model.output_shape == (None, 1)


def test_space_is_loaded_under_a_private_name(write_space):
    space = arnn_search.load_space(write_space())
    assert space.build_function.__module__.startswith("_arnn_search_space_small_space_")


def test_unbuilt_sequential_is_built_on_the_data(tmp_path, small_data):
    path = tmp_path / "late.py"
    path.write_text(
        '"""Built late."""\nimport keras\n\n\ndef build(hp, data):\n'
        "    model = keras.Sequential([keras.layers.Dense(data.output_units)])\n"
        "    model.compile('sgd', 'mse')\n    return model\n"
    )
    model = arnn_search.load_space(path).build(keras_tuner.HyperParameters(), small_data.spec)
    assert model.built
    assert isinstance(model, keras.Sequential)
