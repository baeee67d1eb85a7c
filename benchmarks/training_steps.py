"""Single compiled steps of a Keras model, without what `fit` and `predict` do around them."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf


def training_step(model: keras.Model, batch: tuple[Any, ...]) -> Callable[[], Any]:
    """One call of the compiled training function, on the same batch again and again."""
    iterator = iter(tf.data.Dataset.from_tensors(batch).repeat())
    model.make_train_function()
    return lambda: model.train_function(iterator)


def inference_step(model: keras.Model, inputs: Any) -> Callable[[], Any]:
    """One call of the compiled inference function, on the same batch again and again."""
    inputs = tf.constant(inputs)
    model.make_predict_function()
    return lambda: model.predict_function([(inputs,)])


def repeated(step: Callable[[], Any], times: int) -> Callable[[], None]:
    """A function that takes the step so many times."""

    def run() -> None:
        for _ in range(times):
            step()

    return run
