import keras
import keras_tuner
import pytest

from arnn_search import blocks, layers
from arnn_search.errors import SpaceError


def _names(hp):
    return [parameter.name for parameter in hp.space]


def test_choice_of_a_rotating_layer_asks_for_its_rotation():
    hp = keras_tuner.HyperParameters()
    choice = blocks.layer_choice(hp, families=("ar", "ar_bn"), boundaries=("padded", "interior"))
    assert _names(hp) == [
        "family",
        "activation",
        "limit_mode",
        "limit_factor",
        "reference_point",
        "boundary",
    ]
    assert choice.rotates


def test_choice_of_a_classic_layer_asks_for_nothing_more():
    hp = keras_tuner.HyperParameters()
    blocks.layer_choice(hp)
    assert _names(hp) == ["family", "activation"]


def test_single_values_are_no_choice():
    hp = keras_tuner.HyperParameters()
    choice = blocks.layer_choice(
        hp,
        families=("ar",),
        activations=("tanh",),
        limit_modes=("learnable",),
        limit_factors=(1.5, 1.5),
        reference_points=("aligned",),
    )
    assert _names(hp) == []
    assert (choice.activation, choice.learn_limit, choice.limit_factor) == ("tanh", True, 1.5)


def test_block_can_have_a_choice_of_its_own():
    hp = keras_tuner.HyperParameters()
    with hp.name_scope("block_1"):
        blocks.layer_choice(hp)
    assert _names(hp) == ["block_1/family", "block_1/activation"]


def test_value_range_is_carried_from_the_data_through_the_network(small_data):
    choice = blocks.LayerChoice(family="ar", activation="tanh", limit_factor=0.5, learn_limit=True)
    inputs = blocks.inputs(small_data.spec)
    x = choice.dense(choice.dense(inputs, 3), 4)
    first, second = (
        layer for layer in keras.Model(inputs, x).layers if isinstance(layer, layers.AutoRotDense)
    )
    assert first.value_range == pytest.approx(small_data.spec.value_range)
    assert second.value_range == (-1.0, 1.0)
    assert float(keras.ops.convert_to_numpy(first.limit_values())) == pytest.approx(0.5 * 2.0)
    assert len(first.trainable_weights) == 3


def test_batch_normalisation_follows_the_activation():
    inputs = keras.Input((8, 8, 1))
    model = keras.Model(inputs, blocks.LayerChoice(family="ar_bn").conv2d(inputs, 2, 3))
    assert [type(layer).__name__ for layer in model.layers[1:]] == ["AutoRotConv2D", "BatchNormalization"]
    assert model.output_shape == (None, 8, 8, 2)
    assert blocks.LayerChoice(family="ar_bn").without_normalisation.family == "ar"
    assert blocks.LayerChoice(family="bn").without_normalisation.family == "classic"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"families": ("classic", "arr")}, r"`families` must be among .* Received: arr"),
        ({"limit_factors": (0.0, 1.0)}, r"`limit_factors` must be .* Received: \(0.0, 1.0\)"),
        ({"limit_factors": (2.0, 1.0)}, r"0 < low <= high"),
    ],
)
def test_wrong_choices_are_refused(arguments, message):
    with pytest.raises(SpaceError, match=message):
        blocks.layer_choice(keras_tuner.HyperParameters(), **arguments)


def test_compiled_model_fits_the_task(small_data):
    hp = keras_tuner.HyperParameters()
    inputs = blocks.inputs(small_data.spec)
    model = keras.Model(inputs, blocks.outputs(inputs, small_data.spec))
    blocks.compile_model(model, hp, small_data.spec, optimizers=("sgd", "adam"), learning_rates=(1e-3, 1e-1))
    assert model.loss == "sparse_categorical_crossentropy"
    assert _names(hp) == ["optimizer", "learning_rate"]
    assert float(model.optimizer.learning_rate) == pytest.approx(1e-3)
