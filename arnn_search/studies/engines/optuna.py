"""Optuna as an engine: any of its samplers and pruners, the same proposals for the same history and seed."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import optuna
from optuna.samplers import BruteForceSampler

from arnn_search.spaces.parameters import Parameter, Value
from arnn_search.studies.engines.engine import Engine, PastTrial, Proposal, Readiness
from arnn_search.studies.engines.past_storage import PastStorage
from arnn_search.studies.engines.past_trials import PastTrials
from arnn_search.studies.engines.pruners import make_pruner
from arnn_search.studies.engines.samplers import Draw, sampler_maker
from arnn_search.studies.engines.seeds import trial_seed
from arnn_search.studies.ledger import Direction, quiet_optuna
from arnn_search.studies.options import Options

_RESAMPLED = 100
_FAR_AWAY = 2**16
"""Between the points of a sequence that stand for one trial."""


class OptunaEngine(Engine):
    """Asks a fresh study in memory that shows the history, with a sampler seeded by the trial's number.

    So a proposal depends on history, seed and number only: a resumed study goes on as if it had never
    stopped, and several workers make no difference to what is proposed from the same history.

    Args:
        sampler: a name of `choices.SAMPLERS`, or `module:Class`.
        pruner: a name of `choices.PRUNERS`, or `module:Class`. Median, percentile and patient judge nothing
            in the first quarter of the epochs, nor before 5 trials have ended; asha and hyperband have the
            reduction factor 3.
        direction: `"maximize"` or `"minimize"`.
        directions: of several objectives, instead; then nothing is pruned here.
        epochs: epochs of a full trial.
        seed: the study's seed.
        imported: trials of another study, known from the start.
        study_name: enters Hyperband's choice of a bracket.
        sampler_options: keyword arguments of the sampler's class, beyond what the study gives it.
        pruner_options: the same of the pruner's.

    Raises:
        ConfigurationError: the sampler needs a package that is not installed, or a class is not found.
    """

    def __init__(
        self,
        *,
        sampler: str,
        pruner: str,
        direction: Direction = "maximize",
        directions: Sequence[Direction] = (),
        epochs: int,
        seed: int,
        study_name: str,
        imported: Sequence[PastTrial] = (),
        sampler_options: Options = MappingProxyType({}),
        pruner_options: Options = MappingProxyType({}),
    ) -> None:
        # The only one of the table that takes scores and knows nothing of constraints.
        self._past = PastTrials(imported, constrained=sampler != "cmaes")
        self._make_sampler = sampler_maker(sampler, sampler_options)
        self._pruner = make_pruner(pruner, epochs=epochs, options=pruner_options)
        self._directions, self._seed, self._name = list(directions) or [direction], seed, study_name
        self._is_exhaustive = isinstance(self._make_sampler(Draw(0, 0, 0)), BruteForceSampler)

    @property
    def needs_values(self) -> bool:
        return self._is_exhaustive

    @property
    def resamples(self) -> bool:
        return not self._is_exhaustive

    def readiness(self, number: int, history: Sequence[PastTrial]) -> Readiness:
        if not self._is_exhaustive or not any(past.state.is_finished() for past in history):
            return Readiness.READY
        return Readiness.EXHAUSTED if self._is_exhausted(number, history) else Readiness.READY

    def propose(
        self,
        number: int,
        history: Sequence[PastTrial],
        *,
        fixed: Mapping[str, Value] | None = None,
        tries: int = 0,
    ) -> "OptunaProposal":
        with quiet_optuna():
            study = self._study(number, history, tries=tries)
            if fixed:
                study.enqueue_trial(dict(fixed))
            return OptunaProposal(study, study.ask())

    def _study(self, number: int, history: Sequence[PastTrial], *, tries: int = 0) -> optuna.Study:
        seed = trial_seed(self._seed, number, purpose=1 if tries == 0 else _RESAMPLED + tries)
        draw = Draw(number + tries * _FAR_AWAY, seed, self._seed)
        return optuna.create_study(
            study_name=self._name,
            directions=self._directions,
            storage=PastStorage(self._name, self._past.frozen(history)),
            sampler=self._make_sampler(draw),
            pruner=self._pruner,
        )

    def _is_exhausted(self, number: int, history: Sequence[PastTrial]) -> bool:
        """Whether the sampler, shown the end of a trial, would stop the study: it has no other way to say."""
        stopped: list[bool] = []
        with quiet_optuna():
            study = self._study(number, history)
            study.stop = lambda: stopped.append(True)  # type: ignore[method-assign]
            ended = next(trial for trial in study.get_trials(deepcopy=False) if trial.state.is_finished())
            study.sampler.after_trial(study, ended, ended.state, ended.values)
        return bool(stopped)


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
