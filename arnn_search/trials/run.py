"""Runs one trial in this process."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from arnn_search import layers
from arnn_search.data import PreparedData, open_prepared
from arnn_search.errors import SpaceError
from arnn_search.health import GradientTelemetry, SaturationProbe
from arnn_search.spaces.discovery import read_space_file
from arnn_search.spaces.hyperparameters import AskingHyperParameters
from arnn_search.spaces.space import SearchSpace, load_space_file
from arnn_search.trials.architecture import architecture_hash
from arnn_search.trials.channel import Built, Channel, ChannelClosedError, FirstSteps, SuggestionError
from arnn_search.trials.checkpointing import Checkpointing, RandomStateAtStart
from arnn_search.trials.continuation import load_initial_weights, save_weights
from arnn_search.trials.data_parallel import divisible, spread_over
from arnn_search.trials.first_steps import loss_of_first_steps
from arnn_search.trials.framework import forget_models, prepare_framework
from arnn_search.trials.health_watch import HealthWatch
from arnn_search.trials.latency import inference_latency_ms
from arnn_search.trials.memory_estimate import training_bytes
from arnn_search.trials.memory_use import peak_memory_bytes
from arnn_search.trials.outcome import TrialOutcome, failure_outcome
from arnn_search.trials.placement import Placement
from arnn_search.trials.reporter import EpochReporter
from arnn_search.trials.task import TrialTask
from arnn_search.trials.training import train

_PROBE_SAMPLES = 128


def run_trial(task: TrialTask, channel: Channel, *, threads: int | None = None) -> TrialOutcome:
    """Builds, fits and reports one trial; whatever the user's code raises becomes an outcome.

    Args:
        task: what to train.
        channel: suggestions come from here, reports go there.
        threads: CPU threads for a fresh process; None in one that already runs tensors.

    Returns:
        How it ended. A completed trial has left its best weights in `task.model_path`.

    Raises:
        ChannelClosedError: nobody is there to report to.
    """
    try:
        prepare_framework(task, threads=threads)
        data = open_prepared(task.data)
        space = load_space_file(read_space_file(task.space, origin="study"))
        outcome = None
        while outcome is None:
            try:
                with spread_over(Placement.of_this_process().replicas):
                    outcome = _build_and_fit(task, channel, space, data)
            except (ChannelClosedError, SuggestionError):
                raise
            except Exception as error:
                failure = failure_outcome(error, task.space)
                # One candidate that cannot be trained is no reason against the others.
                if not channel.competed(FirstSteps(None, failure.message or failure.reason)):
                    outcome = failure
            if outcome is None:
                forget_models(task)
    except ChannelClosedError:
        raise
    except Exception as error:
        outcome = failure_outcome(error, task.space)
    return replace(outcome, peak_bytes=peak_memory_bytes())


def _build_and_fit(
    task: TrialTask, channel: Channel, space: SearchSpace, data: PreparedData
) -> TrialOutcome | None:
    """None if another model is to be built in place of this one."""
    # The same weights for the same values, however many models were built before.
    keras.utils.set_random_seed(task.seed)
    model = space.build(AskingHyperParameters(channel.suggest), data.spec)
    built = _describe(task, model, data)
    verdict = channel.built(built)
    if verdict.candidate_steps:
        training, _ = divisible(data.train(), data.validation(), Placement.of_this_process().replicas)
        loss = loss_of_first_steps(
            model, training, batch_size=task.batch_size, steps=verdict.candidate_steps, seed=task.seed
        )
        channel.competed(FirstSteps(loss))
        return None
    if verdict.build_again:
        return None
    if verdict.outcome is not None:
        return verdict.outcome
    if task.initial_epoch:
        load_initial_weights(task, model)
    return _fit(task, channel, model, data, architecture=built.architecture)


def _describe(task: TrialTask, model: keras.Model, data: PreparedData) -> Built:
    sample = np.ascontiguousarray(data.validation()[0][:1])
    return Built(
        architecture=architecture_hash(model),
        num_parameters=model.count_params(),
        rotated_layers=len(list(_rotated_layers(model))),
        latency_ms=inference_latency_ms(model, sample) if task.measure_latency else None,
        training_bytes=training_bytes(model, task.batch_size),
    )


def _fit(
    task: TrialTask, channel: Channel, model: keras.Model, data: PreparedData, *, architecture: str
) -> TrialOutcome:
    training, validation = divisible(data.train(), data.validation(), Placement.of_this_process().replicas)
    telemetry = GradientTelemetry(model) if task.telemetry else None
    saturation = None
    if telemetry is not None:
        probe = np.ascontiguousarray(validation[0][:_PROBE_SAMPLES])
        saturation = SaturationProbe(model, probe, dynamic_region=layers.dynamic_region)
    model.optimizer.build(model.trainable_variables)
    checkpointing = (
        Checkpointing(task, channel, model, architecture=architecture) if task.checkpoints else None
    )
    reporter = EpochReporter(
        task,
        channel,
        telemetry=telemetry,
        saturation=saturation,
        limits=lambda: _limits(model),
        checkpointing=checkpointing,
    )
    callbacks: list[keras.callbacks.Callback] = [reporter]
    trained = task.initial_epoch
    checkpoint = checkpointing.find() if checkpointing else None
    if checkpointing and checkpoint:
        checkpointing.restore(checkpoint)
        reporter.resume(checkpoint)
        callbacks.append(RandomStateAtStart(checkpoint.randomness))
        trained = checkpoint.epoch
    watch = None
    if telemetry is not None and task.initial_epoch == 0:
        watch = HealthWatch(
            model,
            channel,
            telemetry,
            saturation=saturation,
            targets=training[1],
            batch_size=task.batch_size,
            epochs=task.epochs,
            trained_epochs=trained,
            rule=task.health_rule,
            race=task.step_race,
            probes=task.probe,
        )
    if reporter.outcome is None and trained < task.epochs:
        train(
            model,
            training,
            validation,
            initial_epoch=trained,
            resumed_epochs=trained - task.initial_epoch,
            epochs=task.epochs,
            batch_size=task.batch_size,
            steps_per_execution=task.steps_per_execution,
            callbacks=callbacks,
            watch=watch,
        )
    if telemetry is not None:
        telemetry.detach()
    if reporter.record is not None and reporter.record.num_epochs:
        reporter.record.save(task.gradients_path)
    outcome = watch.outcome if watch and watch.outcome else reporter.outcome
    if outcome is not None:
        return outcome
    if reporter.best_weights is None:
        raise SpaceError(
            f"{task.space}: no epoch gave a finite {task.metric!r}. Check the model's compiled metrics, or "
            "name another --objective."
        )
    model.set_weights(reporter.best_weights)
    # Written under another name first: a model file that exists is whole.
    unfinished = task.model_path.with_name("unfinished.keras")
    # A fresh optimizer: the one that trained also carries the telemetry's variables.
    model.compile_from_config(model.get_compile_config())
    model.save(unfinished)
    unfinished.replace(task.model_path)
    if task.keep_weights:
        save_weights(model, task.weights_path)
    task.initial_weights_path.unlink(missing_ok=True)
    return TrialOutcome("completed", "completed")


def _rotated_layers(layer: Any) -> Iterator[Any]:
    if hasattr(layer, "limit_values"):
        yield layer
    for inner in getattr(layer, "layers", ()):
        yield from _rotated_layers(inner)


def _limits(model: keras.Model) -> Mapping[str, float]:
    return {
        layer.name: float(np.mean(keras.ops.convert_to_numpy(layer.limit_values())))
        for layer in _rotated_layers(model)
    }
