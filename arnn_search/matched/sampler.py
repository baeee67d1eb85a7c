"""An Optuna sampler that proposes every network from every seed, so that they can be compared in pairs."""

from collections.abc import Mapping
from typing import Any

from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial

Values = Mapping[str, str]

SEED = "seed"
"""The parameter that is the pair's number."""


class MatchedSampler(BaseSampler):
    """Trial i is network i mod N from seed i div N, where N is the number of networks.

    So whenever a study stops, the seeds that are complete are complete for all networks.

    Args:
        networks: the categorical parameters of each, as `networks_text` writes them.
        fixed: parameters of all of them, in the same notation.

    Raises:
        ValueError: a text is not of that notation, or (later) the space asks for another parameter.
    """

    def __init__(self, networks: str, fixed: str = "") -> None:
        self._networks = [_parsed(text) for text in networks.split("|")]
        self._fixed = _parsed(fixed)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return {}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        seed, network = divmod(trial.number, len(self._networks))
        if param_name == SEED:
            return seed
        values = dict(self._fixed) | dict(self._networks[network])
        if param_name not in values:
            raise ValueError(f"No value of {param_name!r} is given. Received: {', '.join(values) or 'none'}.")
        return values[param_name]


def networks_text(networks: "list[Values]") -> str:
    """Networks as one line: `family:ar limit_mode:fixed|family:bn`."""
    return "|".join(values_text(values) for values in networks)


def values_text(values: Values) -> str:
    """Parameters as text: `family:ar limit_mode:fixed`."""
    return " ".join(f"{name}:{value}" for name, value in values.items())


def _parsed(text: str) -> Values:
    pairs = [pair.partition(":") for pair in text.split()]
    if not all(name and colon and value for name, colon, value in pairs):
        raise ValueError(f"Must be name:value pairs, separated by spaces. Received: {text!r}.")
    return {name: value for name, _, value in pairs}
