"""Zero-cost scores of a network at initialisation, as the literature defines them, on TensorFlow.

- gradient norm: the L2 norm of the loss gradient (Abdelfattah et al., https://arxiv.org/abs/2101.08134);
- SNIP: the sum of |weight * gradient| (Lee et al., https://arxiv.org/abs/1810.02340);
- synflow: the same of a network of absolute weights fed with ones (Tanaka et al.,
  https://arxiv.org/abs/2006.05467), its logarithm;
- NASWOT: the log determinant of the kernel of the activation patterns (Mellor et al.,
  https://arxiv.org/abs/2006.04647); for sigmoid and tanh a unit is on where its pre-activation is positive;
- ZiCo: the sum over layers of log of the mean |gradient| over its deviation between batches (Li et al.,
  https://arxiv.org/abs/2301.11300).

All are to be maximised. Every variable of the model is as it was when they return.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

Batch = tuple[np.ndarray, np.ndarray]


def zero_cost_scores(model: Any, batches: Sequence[Batch], *, pattern_samples: int = 64) -> dict[str, float]:
    """Every score; NaN where it is not defined, such as NASWOT without a hidden activation.

    Args:
        model: compiled and built, functional.
        batches: at least two, for ZiCo.
        pattern_samples: of the first batch, for NASWOT.
    """
    kept = [np.array(variable) for variable in model.variables]
    gradients = [_kernel_gradients(model, *batch) for batch in batches]
    first = gradients[0]
    scores = {
        "grad_norm": float(np.sqrt(sum(float((gradient**2).sum()) for gradient in first))),
        "snip": float(
            sum(
                np.abs(np.asarray(kernel) * gradient).sum()
                for kernel, gradient in zip(_kernels(model), first, strict=True)
            )
        ),
        "zico": _zico(gradients),
        "naswot": _naswot(model, batches[0][0][:pattern_samples]),
        "synflow": _synflow(model, batches[0][0].shape[1:]),
    }
    for variable, value in zip(model.variables, kept, strict=True):
        variable.assign(value)
    return scores


def _kernels(model: Any) -> list[Any]:
    from arnn_search.health.telemetry import is_kernel

    return [variable for variable in model.trainable_variables if is_kernel(variable)]


def _kernel_gradients(model: Any, inputs: np.ndarray, targets: np.ndarray) -> list[np.ndarray]:
    import tensorflow as tf

    kernels = [variable.value for variable in _kernels(model)]
    with tf.GradientTape() as tape:
        loss = model.compute_loss(x=inputs, y=targets, y_pred=model(inputs, training=True), training=True)
    return [np.asarray(gradient) for gradient in tape.gradient(loss, kernels, unconnected_gradients="zero")]


def _zico(gradients: Sequence[Sequence[np.ndarray]]) -> float:
    total = 0.0
    for layer in zip(*gradients, strict=True):
        absolute = np.abs(np.stack(layer))
        deviation, mean = np.stack(layer).std(axis=0), absolute.mean(axis=0)
        varied = deviation > 0
        ratio = (mean[varied] / deviation[varied]).sum()
        total += math.log(ratio) if ratio > 0 else 0.0
    return total


def _naswot(model: Any, inputs: np.ndarray) -> float:
    import keras

    outputs, thresholds = [], []
    for layer in model.layers[:-1]:
        name = getattr(getattr(layer, "activation", None), "__name__", "")
        if name in ("relu", "tanh", "sigmoid"):
            outputs.append(layer.output)
            thresholds.append(0.5 if name == "sigmoid" else 0.0)
    if not outputs:
        return math.nan
    kernel = np.zeros((len(inputs), len(inputs)))
    values = keras.Model(model.inputs, outputs)(inputs, training=False)
    values = values if isinstance(values, (list, tuple)) else [values]
    for value, threshold in zip(values, thresholds, strict=True):
        code = (np.asarray(value).reshape(len(inputs), -1) > threshold).astype(np.float32)
        kernel += code @ code.T + (1 - code) @ (1 - code).T
    sign, log_determinant = np.linalg.slogdet(kernel)
    return float(log_determinant) if sign > 0 else math.nan


def _synflow(model: Any, shape: tuple[int, ...]) -> float:
    import keras
    import tensorflow as tf

    for variable in model.trainable_variables:
        variable.assign(tf.abs(variable.value))
    kernels = [variable.value for variable in _kernels(model)]
    output = model.layers[-1]
    features = keras.Model(model.inputs, output.input)
    ones = tf.ones((1, *shape))
    with tf.GradientTape() as tape:
        logits = tf.matmul(features(ones, training=False), output.kernel.value) + output.bias.value
        total = tf.reduce_sum(logits)
    flows = tape.gradient(total, kernels, unconnected_gradients="zero")
    score = sum(
        float(tf.reduce_sum(tf.abs(kernel * flow))) for kernel, flow in zip(kernels, flows, strict=True)
    )
    return math.log(score) if score > 0 and math.isfinite(score) else math.nan
