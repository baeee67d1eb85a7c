"""The estimate of what a training takes, in closed form."""

import keras
import pytest

from arnn_search.trials.memory_estimate import training_bytes

KERNEL = 4 * 5 * 7
WEIGHTS = KERNEL + 4 * 7


def _dense(optimizer="adam", **settings):
    inputs = keras.Input((5,))
    model = keras.Model(inputs, keras.layers.Dense(7, **settings)(inputs))
    model.compile(optimizer, "mse")
    return model


@pytest.mark.parametrize(
    ("optimizer", "slots"),
    [
        ("adam", 2),
        ("sgd", 0),
        (keras.optimizers.SGD(0.1, momentum=0.9), 1),
        (keras.optimizers.AdamW(use_ema=True, gradient_accumulation_steps=2), 4),
        (keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1, momentum=0.9)), 1),
    ],
    ids=["adam", "sgd", "momentum", "averages", "loss scaling"],
)
def test_optimizers_slots_are_found_out(optimizer, slots):
    assert training_bytes(_dense(optimizer), 0) == 2 * WEIGHTS + (1 + slots) * (WEIGHTS + KERNEL)


def test_activations_grow_with_the_batch():
    output = 7 * 4
    for activation, kept in ((None, 1), ("tanh", 1), ("gelu", 2)):
        model = _dense("sgd", activation=activation)
        assert training_bytes(model, 64) == 3 * WEIGHTS + KERNEL + 64 * (kept + 2) * output


def test_nested_models_recurrences_and_attention_count():
    inputs = keras.Input((10, 6))
    attended = keras.layers.MultiHeadAttention(2, 4)(inputs, inputs)
    inner = keras.Model(inputs, keras.layers.LSTM(8)(inputs + attended))
    outer_inputs = keras.Input((10, 6))
    outer = keras.Model(outer_inputs, inner(outer_inputs))
    for model in (inner, outer):
        model.compile("sgd", "mse")
    assert training_bytes(outer, 32) == training_bytes(inner, 32)
    gates, scores = 14 * 10 * 8, 3 * 2 * 10 * 10
    assert training_bytes(inner, 32) - training_bytes(inner, 0) > 32 * 4 * (gates + scores)


def test_of_a_subclassed_model_the_weights_count_alone():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(7)

        def call(self, inputs):
            return self.dense(inputs)

    model = Own()
    model(keras.ops.zeros((1, 5)))
    model.compile("sgd", "mse")
    assert training_bytes(model, 1000) >= 3 * WEIGHTS + KERNEL
