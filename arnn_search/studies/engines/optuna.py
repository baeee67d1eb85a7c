"""Optuna as an engine: any of its samplers and pruners, the same proposals for the same history and seed."""

import warnings
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
import optuna
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, CmaEsSampler, GPSampler, RandomSampler, TPESampler
from optuna.trial import TrialState, create_trial

from arnn_search.errors import ConfigurationError
from arnn_search.spaces.parameters import Parameter, Value
from arnn_search.studies.engines.engine import Engine, PastTrial, Proposal
from arnn_search.studies.ledger import Direction, quiet_optuna

_REDUCTION_FACTOR = 3
_NEEDED = {"gp": "torch", "cmaes": "cmaes"}


class OptunaEngine(Engine):
    """Asks a fresh in-memory study that holds the history, with a sampler seeded by the trial's number.

    So a proposal depends on history, seed and number only: a resumed study goes on as if it had never
    stopped, and several workers make no difference to what is proposed from the same history.

    Args:
        sampler: `"tpe"`, `"random"`, `"gp"` or `"cmaes"`.
        pruner: `"median"` (no judgement in the first quarter of the epochs, nor before 5 trials have
            ended), `"asha"`, `"hyperband"` (both with reduction factor 3) or `"none"`.
        direction: `"maximize"` or `"minimize"`.
        epochs: epochs of a full trial.
        seed: the study's seed.
        study_name: enters Hyperband's choice of a bracket.

    Raises:
        ConfigurationError: the sampler needs a package that is not installed.
    """

    def __init__(
        self, *, sampler: str, pruner: str, direction: Direction, epochs: int, seed: int, study_name: str
    ) -> None:
        needed = _NEEDED.get(sampler)
        if needed is not None and find_spec(needed) is None:
            raise ConfigurationError(
                f"The sampler {sampler!r} needs the package {needed!r}: pip install 'arnn-search[{needed}]'."
            )
        self._sampler, self._direction, self._seed, self._name = sampler, direction, seed, study_name
        self._pruner = make_pruner(pruner, epochs=epochs)

    def propose(
        self, number: int, history: Sequence[PastTrial], *, fixed: Mapping[str, Value] | None = None
    ) -> "OptunaProposal":
        with quiet_optuna():
            study = optuna.create_study(
                study_name=self._name,
                direction=self._direction,
                sampler=make_sampler(self._sampler, seed=trial_seed(self._seed, number, purpose=1)),
                pruner=self._pruner,
            )
            for past in history:
                study.add_trial(_as_optuna(past))
            if fixed:
                study.enqueue_trial(dict(fixed))
            return OptunaProposal(study, study.ask())


class OptunaProposal(Proposal):
    """A trial of the in-memory study."""

    def __init__(self, study: optuna.Study, trial: optuna.Trial) -> None:
        self._study, self._trial = study, trial

    def suggest(self, parameter: Parameter) -> Value:
        return parameter.suggest(self._trial)

    def should_prune(self, epoch: int, value: float) -> bool:
        self._trial.report(value, epoch)
        return self._trial.should_prune()

    @property
    def notes(self) -> dict[str, Any]:
        own = self._study.get_trials(deepcopy=False)[self._trial.number].system_attrs
        return {name: value for name, value in own.items() if name != "fixed_params"}


def make_sampler(name: str, *, seed: int) -> BaseSampler:
    """One of Optuna's samplers, by the name it has in `study.toml`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        if name == "tpe":
            # Spaces are conditional: parameters are modelled together in the groups that occur together.
            return TPESampler(seed=seed, multivariate=True, group=True)
        if name == "random":
            return RandomSampler(seed=seed)
        if name == "gp":
            return GPSampler(seed=seed)
        return CmaEsSampler(seed=seed, warn_independent_sampling=False)


def make_pruner(name: str, *, epochs: int) -> BasePruner:
    """One of Optuna's pruners, by the name it has in `study.toml`."""
    smallest = max(1, epochs // _REDUCTION_FACTOR**2)
    if name == "median":
        return MedianPruner(n_startup_trials=5, n_warmup_steps=1 + epochs // 4)
    if name == "asha":
        return SuccessiveHalvingPruner(min_resource=smallest, reduction_factor=_REDUCTION_FACTOR)
    if name == "hyperband":
        return HyperbandPruner(min_resource=smallest, max_resource=epochs, reduction_factor=_REDUCTION_FACTOR)
    return NopPruner()


def trial_seed(seed: int, number: int, *, purpose: int = 0) -> int:
    """A seed for one trial, in [0, 2^31): independent between trials, studies and purposes."""
    state = np.random.SeedSequence([seed, number, purpose]).generate_state(1)[0]
    return int(state) & 0x7FFFFFFF


def _as_optuna(past: PastTrial) -> optuna.trial.FrozenTrial:
    return create_trial(
        state=past.state,
        value=past.value if past.state == TrialState.COMPLETE else None,
        params=dict(past.parameters),
        distributions=dict(past.distributions),
        intermediate_values=dict(past.intermediate_values),
        system_attrs=dict(past.notes),
    )
