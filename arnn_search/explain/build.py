"""Building what is compared. Runs in the processes that train, not in the one that supervises them."""

import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import keras

from arnn_search import layers
from arnn_search.data import open_prepared
from arnn_search.errors import SpaceError
from arnn_search.explain.variants import VARIANT, Variant, variants_of
from arnn_search.matched.sampler import SEED
from arnn_search.spaces.discovery import read_space_file
from arnn_search.spaces.hyperparameters import AskingHyperParameters
from arnn_search.spaces.parameters import Parameter, Value
from arnn_search.spaces.space import load_space_file

_MOST_SEEDS = 100_000


def find_variants(space: Path, data: Path, parameters: Mapping[str, Value]) -> list[Variant]:
    """What an architecture can be compared with; nothing if no layer of it rotates.

    Args:
        space: the file of the search space that it is from.
        data: the folder of the prepared data.
        parameters: its hyperparameters.

    Raises:
        SpaceError: the architecture cannot be built, or is neither functional nor sequential.
    """
    loaded = load_space_file(read_space_file(space, origin="study"))
    model = loaded.build(_recorded(parameters), open_prepared(data).spec)
    if not isinstance(model, keras.Sequential) and not hasattr(model, "operations"):
        raise SpaceError(
            f"{space}: layers can be exchanged in functional and sequential models only. "
            f"Received: {type(model).__name__}."
        )
    rotating = layers.rotating_layers(model)
    return variants_of(rotating) if rotating else []


def build_variant(
    hp: Any,
    data: Any,
    *,
    source: str,
    parameters: Mapping[str, Value],
    variants: Mapping[str, Mapping[str, str]],
) -> Any:
    """Builds one variant of an architecture; variants of one seed start from the same weights.

    Args:
        hp: asked for the seed and the variant.
        data: what the model has to take in and to give out.
        source: the text of the search space that the architecture is from.
        parameters: its hyperparameters.
        variants: the exchanges of each variant, by its name.
    """
    keras.utils.set_random_seed(hp.Int(SEED, 0, _MOST_SEEDS))
    exchanges = variants[hp.Choice(VARIANT, list(variants))]
    model = _module_of(source).build(_recorded(parameters), data)
    return layers.exchange(model, exchanges)


def _recorded(parameters: Mapping[str, Value]) -> AskingHyperParameters:
    def answer(parameter: Parameter) -> Value:
        if parameter.name not in parameters:
            raise SpaceError(f"The trial has no recorded value of {parameter.name!r}.")
        return parameters[parameter.name]

    return AskingHyperParameters(answer)


def _module_of(source: str) -> Any:
    name = "_arnn_search_explained_space"
    module = ModuleType(name)
    sys.modules[name] = module  # where dataclasses look up what their annotations mean
    exec(compile(source, f"<{name}>", "exec"), module.__dict__)
    return module
