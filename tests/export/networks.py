"""Small untrained networks of the built-in spaces, with weights and statistics that make a difference."""

import keras
import numpy as np

from arnn_search import layers, load_space
from arnn_search.export.front import with_scaling
from arnn_search.export.network import ExportedNetwork
from arnn_search.export.preprocess import describe_preprocess
from arnn_search.spaces.hyperparameters import AskingHyperParameters
from arnn_search.trials.rehearse import sample

SMALL = {"filters": 8, "width": 8, "units": 16, "blocks": 2, "depth": 2}

VARIANTS = [
    (
        "poster-cnn",
        {"family": "ar_bn", "boundary": "padded", "reference_point": "uniform", "limit_mode": "fixed"},
    ),
    (
        "poster-cnn",
        {"family": "ar", "boundary": "interior", "reference_point": "aligned", "limit_mode": "fixed"},
    ),
    (
        "poster-cnn",
        {"family": "ar_bn", "boundary": "interior", "reference_point": "uniform", "limit_mode": "learnable"},
    ),
    (
        "poster-cnn",
        {"family": "ar", "boundary": "padded", "reference_point": "aligned", "limit_mode": "learnable"},
    ),
    ("conv-classifier", {"family": "ar_bn", "reference_point": "aligned", "limit_mode": "learnable"}),
    (
        "conv-classifier",
        {"family": "ar", "reference_point": "uniform", "limit_mode": "fixed", "dropout": 0.2},
    ),
    ("conv-classifier", {"family": "bn", "pooling": "average", "head": "global_average"}),
    ("dense-stack", {"family": "ar_bn", "reference_point": "uniform", "limit_mode": "learnable"}),
    ("dense-stack", {"family": "ar", "reference_point": "aligned", "limit_mode": "fixed", "dropout": 0.2}),
]
"""Spaces and choices: every rotation in every space that has it."""


def build(space, choices, spec):
    """The network of a space with these choices, and the defaults for all others."""
    keras.utils.set_random_seed(0)
    values = {**SMALL, **choices}

    def ask(parameter):
        return values.get(parameter.name, sample(parameter, None))

    model = load_space(space).build(AskingHyperParameters(ask), spec)
    generator = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([generator.uniform(0.5, 1.5, weight.shape) for weight in layer.get_weights()])
    return model


def exported(model, spec, *, is_raw):
    """A network as the formats are given it."""
    folded = layers.fold(model)
    if not getattr(folded, "compiled", False):
        folded.compile_from_config(model.get_compile_config())
    return ExportedNetwork(
        model=with_scaling(folded, spec) if is_raw else folded,
        source=model,
        folded=True,
        is_raw=is_raw,
        preprocess=describe_preprocess(spec, is_raw=is_raw),
        origin={"study": "small", "trial": 3, "parameters": {}},
    )
