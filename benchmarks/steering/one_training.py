"""One architecture of the reference table: built, probed, and trained with every step looked at."""

import gc
import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from arnn_search.spaces.parameters import Parameter, Value

PROBE_BATCHES = 4


def draw(parameter: Parameter, generator: np.random.Generator) -> Value:
    """A value of the parameter, uniform on its own scale."""
    if parameter.kind == "categorical":
        return parameter.choices[int(generator.integers(len(parameter.choices)))]
    if parameter.kind == "int":
        step = int(parameter.step or 1)
        return int(generator.integers(0, (parameter.high - parameter.low) // step + 1) * step + parameter.low)
    if parameter.log:
        return float(np.exp(generator.uniform(math.log(parameter.low), math.log(parameter.high))))
    if parameter.step:
        count = round((parameter.high - parameter.low) / parameter.step)
        return round(float(parameter.low + generator.integers(count + 1) * parameter.step), 6)
    return float(generator.uniform(parameter.low, parameter.high))


def build(space: Any, data: Any, seed: int, *, choose: Callable[[Parameter, Value], Value]) -> Any:
    """A model of the space with values drawn from the seed, its parameters, and how long it took."""
    import keras

    from arnn_search.spaces.hyperparameters import AskingHyperParameters

    gc.collect()
    keras.utils.clear_session()
    generator = np.random.default_rng(seed)
    asked: dict[str, Value] = {}

    def ask(parameter: Parameter) -> Value:
        asked[parameter.name] = choose(parameter, draw(parameter, generator))
        return asked[parameter.name]

    started = time.process_time()
    keras.utils.set_random_seed(seed)
    model = space.build(AskingHyperParameters(ask), data.spec)
    return model, asked, time.process_time() - started


def train_one(model: Any, data: Any, *, epochs: int, batch_size: int) -> dict[str, Any]:
    """Probes and trains; returns what was seen, as plain arrays.

    Returns:
        `initial`: the probe's numbers, at the initial weights; `gradient_rms`, `update`, `loss`, `accuracy`
        of every step, as `StepRecorder.take` gives them; `saturation`: mean and largest share over layers,
        with the steps after which they were measured; `epochs`: metrics per epoch; `seconds` of processor
        time.
    """
    from arnn_search import layers
    from arnn_search.health import SaturationProbe
    from arnn_search.trials.whole_epochs import WholeEpochs
    from benchmarks.steering.proxies import zero_cost_scores
    from benchmarks.steering.step_recorder import StepRecorder

    training, validation = data.train(), data.validation()
    batches = [
        tuple(np.ascontiguousarray(part[first : first + batch_size]) for part in training)
        for first in range(0, PROBE_BATCHES * batch_size, batch_size)
    ]
    started = time.process_time()
    scores = zero_cost_scores(model, batches)  # type: ignore[arg-type]
    seconds = {"scores": time.process_time() - started}
    per_epoch = -(-len(training[0]) // batch_size)
    saturation = SaturationProbe(
        model, np.ascontiguousarray(validation[0][:128]), dynamic_region=layers.dynamic_region
    )
    started = time.process_time()
    whole = WholeEpochs(model, training, validation, batch_size=batch_size)
    recorder = StepRecorder(model, steps=per_epoch)
    kept = [np.array(variable) for variable in (*model.variables, *model.optimizer.variables)]
    whole.train_on_batch(0)  # traces
    recorder.read()
    seconds["tracing"] = time.process_time() - started
    started = time.process_time()
    initial = _initial_gradients(model, recorder, whole, kept)
    seconds["probe"] = time.process_time() - started
    shares = [_shares(saturation, 0)]
    history: list[dict[str, float]] = []
    steps: list[dict[str, np.ndarray]] = []

    def inspect(done: int) -> bool:
        if not history:
            shares.append(_shares(saturation, done))
        if done == per_epoch:
            steps.append(recorder.take())
        return True

    recorder.take()
    started = time.process_time()
    for epoch in range(epochs):
        metrics = whole.run(inspect=inspect, steps_between=per_epoch if history else 8)
        history.append(metrics)
        if epoch:
            shares.append(_shares(saturation, (epoch + 1) * per_epoch))
        if not math.isfinite(metrics["loss"]):
            break
    seconds["training"] = time.process_time() - started
    recorder.detach()
    return {
        "layers": recorder.layer_names,
        "num_parameters": model.count_params(),
        "initial": {"gradient_rms": initial, **scores},
        "saturation": shares,
        "epochs": history,
        "seconds": seconds,
        **{name: np.concatenate([epoch[name] for epoch in steps]) for name in steps[0]},
    }


def _initial_gradients(model: Any, telemetry: Any, whole: Any, kept: list[np.ndarray]) -> np.ndarray:
    """Mean root mean square gradient of each kernel over the batches, all at the initial weights."""
    seen = []
    for index in range(PROBE_BATCHES):
        _restore(model, kept)
        whole.train_on_batch(index)
        seen.append(telemetry.read().mean_rms)
    _restore(model, kept)
    return np.mean(seen, axis=0)


def _restore(model: Any, kept: list[np.ndarray]) -> None:
    for variable, value in zip((*model.variables, *model.optimizer.variables), kept, strict=True):
        variable.assign(value)


def _shares(probe: Any, step: int) -> tuple[float, float, float]:
    values = list(probe.measure().values())
    return (
        (float(step), float(np.mean(values)), float(np.max(values))) if values else (step, math.nan, math.nan)
    )
