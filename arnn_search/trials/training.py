"""The training of a trial: `fit`, without what `fit` spends beside the steps where that can be left out."""

import contextlib
from collections.abc import Callable, Sequence

import keras
import numpy as np

from arnn_search.trials.health_watch import HealthWatch, HealthWatchCallback, StoppedByHealth
from arnn_search.trials.sample_orders import batches_after
from arnn_search.trials.whole_epochs import Part, WholeEpochs

_STEPS_PER_EXECUTION = 16
"""Of `fit`, where the model and the configuration leave it open."""
_MOST_BYTES = 1 << 30
"""Of data that are put on the device as a whole."""


def train(
    model: keras.Model,
    training: Part,
    validation: Part | None = None,
    *,
    epochs: int,
    batch_size: int,
    initial_epoch: int = 0,
    resumed_epochs: int = 0,
    steps_per_execution: int = 0,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    watch: HealthWatch | None = None,
) -> None:
    """Trains as `model.fit` does, with the same numbers.

    Where nothing speaks against it, each epoch is one call of a compiled function (`WholeEpochs`), and the
    callbacks' hooks for single batches are not called. Otherwise it is `fit`, in several steps at a time.

    Args:
        model: compiled.
        training: inputs and targets, `(samples, ...)` each.
        validation: the same; None for none.
        epochs: up to which epoch to train.
        batch_size: samples per step.
        initial_epoch: how many epochs the model has been trained already. Whole epochs go on with the order
            of the samples that follows on theirs.
        resumed_epochs: how many of those this training itself was through when it was broken off. It goes on
            with the order of the samples that follows on theirs in any case; on JAX and torch that order is
            drawn from random generators, whose state is the caller's to bring back.
        steps_per_execution: of `fit`; 0 leaves the choice open.
        callbacks: as `fit` takes them; setting `model.stop_training` ends the training.
        watch: probes before the first step, looks at the first ones, and may end the training. The
            numbers of TensorFlow are the same with it. On JAX and torch a probe takes what `fit` else draws
            when it first looks at the data from the generator of the orders, which are others then, but the
            same in every run.
    """
    batches = -(-len(training[0]) // batch_size)
    if steps_per_execution == 0 and takes_whole_epochs(model, training):
        _train_whole_epochs(
            model,
            WholeEpochs(model, training, validation, batch_size=batch_size),
            epochs=epochs,
            initial_epoch=initial_epoch,
            callbacks=callbacks,
            watch=watch,
            batches=batches,
        )
        return
    probed = watch is not None and watch.probes
    if watch is not None:
        if probed and not watch.before_training(_single_steps(model, training, batch_size), batches=batches):
            return
        callbacks = [*callbacks, HealthWatchCallback(watch)]
    if model.steps_per_execution == 1 and _takes_several_steps(model):
        steps = -(-len(training[0]) // batch_size)
        model.steps_per_execution = steps_per_execution or min(_STEPS_PER_EXECUTION, steps)
    if probed:  # with a function that takes one step at a time
        model.make_train_function(force=True)
    goes_on = resumed_epochs > 0 and keras.config.backend() == "tensorflow"
    with contextlib.suppress(StoppedByHealth):
        model.fit(
            *([batches_after(resumed_epochs, training, batch_size=batch_size)] if goes_on else training),
            validation_data=validation,
            validation_batch_size=batch_size,
            initial_epoch=initial_epoch,
            epochs=epochs,
            batch_size=None if goes_on else batch_size,
            shuffle=not goes_on,
            callbacks=list(callbacks),
            verbose=0,
        )


def takes_whole_epochs(model: keras.Model, training: Part) -> bool:
    """Whether each epoch can be one call: on TensorFlow and one device, with Keras' own step, on data that
    fit on the device.
    """
    return (
        keras.config.backend() == "tensorflow"
        and model.distribute_strategy.num_replicas_in_sync == 1
        and not model.run_eagerly
        and model.steps_per_execution == 1  # else the space has chosen
        and all(
            getattr(type(model), name) is getattr(keras.Model, name)
            for name in ("fit", "evaluate", "train_step", "test_step")
        )
        and sum(part.nbytes for part in training) <= _MOST_BYTES
    )


def _takes_several_steps(model: keras.Model) -> bool:
    """Whether Keras can take several steps in one call: not on torch, nor over several TensorFlow devices."""
    if keras.config.backend() == "tensorflow":
        return bool(model.distribute_strategy.num_replicas_in_sync == 1)
    return bool(keras.config.backend() == "jax")


def _single_steps(model: keras.Model, training: Part, batch_size: int) -> Callable[[int], None]:
    def step(index: int) -> None:
        rows = slice(index * batch_size, (index + 1) * batch_size)
        model.train_on_batch(*(np.asarray(part[rows]) for part in training))

    return step


def _train_whole_epochs(
    model: keras.Model,
    whole_epochs: WholeEpochs,
    *,
    epochs: int,
    initial_epoch: int,
    callbacks: Sequence[keras.callbacks.Callback],
    watch: HealthWatch | None,
    batches: int,
) -> None:
    if watch is not None and not watch.before_training(whole_epochs.train_on_batch, batches=batches):
        return
    listeners = keras.callbacks.CallbackList(list(callbacks), model=model, epochs=epochs)
    model.stop_training = False
    whole_epochs.skip(initial_epoch)
    listeners.on_train_begin()
    metrics: dict[str, float] = {}
    for epoch in range(initial_epoch, epochs):
        listeners.on_epoch_begin(epoch)
        if watch is not None:
            watch.begin_epoch(epoch)
        metrics = whole_epochs.run(
            inspect=watch.inspect if watch else None,
            steps_between=watch.steps_between if watch else 0,
            last_step=watch.last_step if watch else 0,
        )
        if watch is not None and watch.outcome is not None:
            return
        listeners.on_epoch_end(epoch, metrics)
        if model.stop_training:
            break
    # The averages of the weights, if the optimizer keeps them.
    model.optimizer.finalize_variable_values(model.trainable_variables)
    listeners.on_train_end(metrics)
