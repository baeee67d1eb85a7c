"""Policies of search, replayed on the reference table: what is trained, for how long, in which order."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import optuna

from arnn_search.health.rule import StepWindow
from arnn_search.health.steering import Steering
from arnn_search.studies.draft import Contest
from arnn_search.studies.engines.pruners import make_pruner
from arnn_search.studies.engines.samplers import Draw, sampler_maker
from benchmarks.steering.pool import Pool, suggest
from benchmarks.steering.table_file import Row

STEPS_PER_EPOCH = 32
PROBE_STEPS = 8
"""What the probe costs: its four batches, and as much again for putting everything back, as measured."""
CHANCE_LOSS = math.log(10)


@dataclass
class Replayed:
    """What a policy did on a pool.

    Attributes:
        steps: in all; the probe counts as `PROBE_STEPS`.
        steps_to_target: when a validation accuracy of the target was seen; None if it never was.
        ended_early: architectures that were vetoed or stopped, by what did it.
    """

    target: float
    steps: int = 0
    steps_to_target: int | None = None
    ended_early: list[tuple[str, Row]] = field(default_factory=list)

    def spend(self, steps: int) -> None:
        """Counts steps."""
        self.steps += steps

    def see(self, val_accuracy: float) -> None:
        """Notes a validation accuracy."""
        if self.steps_to_target is None and val_accuracy >= self.target:
            self.steps_to_target = self.steps

    @property
    def is_done(self) -> bool:
        """Whether the target was reached."""
        return self.steps_to_target is not None


def initial_metrics(row: Row) -> dict[str, float]:
    """The probe's metrics, as the package gives them."""
    from arnn_search.health import collapse, vanishing_index

    return {
        "initial_health/vanishing_index": vanishing_index(row.initial_rms),
        "initial_health/collapse": collapse(row.initial_rms),
    }


def windows_of(row: Row, *, window_steps: int, steps: int = STEPS_PER_EPOCH) -> list[StepWindow]:
    """The windows of the first steps, as the package's rule and race see them."""
    windows = []
    for first in range(0, min(steps, len(row.loss)), window_steps):
        chosen = slice(first, first + window_steps)
        finite = np.isfinite(row.loss[chosen])
        windows.append(
            StepWindow(
                done=first + window_steps,
                steps=window_steps,
                gradient_rms=tuple(row.gradient_rms[chosen].mean(axis=0).tolist()),
                nonfinite_steps=int((~finite).sum()),
                loss=float(row.loss[chosen].mean()),
            )
        )
    return windows


def first_steps_loss(row: Row, steps: int) -> float:
    """What a candidate is judged by, as the package measures it."""
    loss = float(row.loss[steps // 2 : steps].mean())
    return loss if math.isfinite(loss) else math.inf


class Replay:
    """One study on a pool, with a sampler and a pruner of the package's engine for Optuna.

    Args:
        pool: fresh.
        target: validation accuracy to reach.
        sampler: `"random"` or `"tpe"`.
        pruner: as in `study.toml`.
        steering: what else ends trainings.
        contest: how many candidates compete for each training, and for how many steps.
        seed: of the sampler.
    """

    def __init__(
        self,
        pool: Pool,
        target: float,
        *,
        sampler: str,
        pruner: str,
        steering: Steering,
        contest: Contest,
        seed: int,
    ) -> None:
        self.pool, self.steering, self.contest = pool, steering, contest
        self.result = Replayed(target)
        self._generator = np.random.default_rng(seed) if sampler == "random" else None
        epochs = len(pool.rows[0].val_accuracy)
        self._study = optuna.create_study(
            study_name=f"{sampler}-{pruner}-{seed}",
            direction="maximize",
            sampler=sampler_maker(sampler)(Draw(0, seed, seed)),
            pruner=make_pruner(pruner, epochs=max(epochs, 2)),
        )
        self._learns = sampler != "random" or pruner != "none"
        self._at_rung: dict[int, list[float]] = {}

    def run(self) -> Replayed:
        """Until the target is reached, or the pool is empty."""
        while not self.pool.is_empty and not self.result.is_done:
            self._train(self._next() if self.contest.candidates == 1 else self._best_of_candidates())
        return self.result

    def _best_of_candidates(self) -> Row:
        entered: list[Row] = []
        while len(entered) < self.contest.candidates and not self.pool.is_empty:
            entered.append(self._next())
            self.result.spend(self.contest.steps)
        best = min(entered, key=lambda row: first_steps_loss(row, self.contest.steps))
        for row in entered:
            if row is not best:
                self.result.ended_early.append(("contest", row))
                self.pool.give_back(row)
        return best

    def _next(self) -> Row:
        if self._generator is not None:
            return self.pool.take_random(self._generator)
        proposal = self._study.ask()
        values = suggest(proposal, self.pool.space)
        self._study.tell(proposal, state=optuna.trial.TrialState.FAIL)
        return self.pool.take_nearest(values)

    def _train(self, row: Row) -> None:
        trial: Any = optuna.trial.FixedTrial(dict(row.parameters))
        if self._learns:
            self._study.enqueue_trial(dict(row.parameters))
            trial = self._study.ask()
            suggest(trial, self.pool.space)
        losses = dict.fromkeys(self.steering.race.rungs if self.steering.race else (), math.inf)
        by = self._ended_by_probe(row, trial) or self._ended_in_training(row, trial, losses)
        for rung, loss in losses.items():
            self._at_rung.setdefault(rung, []).append(loss)
        if by is not None:
            self.result.ended_early.append((by, row))
            self.pool.give_back(row)
        if self._learns and by is None:
            self._study.tell(trial, row.best)
        elif self._learns:
            self._study.tell(trial, state=optuna.trial.TrialState.PRUNED)

    def _ended_by_probe(self, row: Row, trial: Any) -> str | None:
        if self.steering.probe is None:
            return None
        self.result.spend(PROBE_STEPS)
        for name, value in self.steering.probe.constraints(initial_metrics(row)).items():
            trial.set_constraint(name, value)
            if value > 0:
                return "probe"
        return None

    def _ended_in_training(self, row: Row, trial: Any, losses: dict[int, float]) -> str | None:
        rule, race = self.steering.rule, self.steering.race
        size = rule.window_steps if rule else race.race_first_rung if race else STEPS_PER_EPOCH
        windows = windows_of(row, window_steps=size, steps=max([STEPS_PER_EPOCH, *losses]))
        for epoch, accuracy in enumerate(row.val_accuracy, start=1):
            until = epoch * STEPS_PER_EPOCH
            for index, window in enumerate(windows):
                if not until - STEPS_PER_EPOCH < window.done <= until:
                    continue
                by = self._ended_by_rule(windows[: index + 1]) if epoch == 1 else None
                if by is None and window.done in losses:
                    losses[window.done] = window.loss
                    by = self._ended_by_race(window)
                if by is not None:
                    self.result.spend(window.done - (until - STEPS_PER_EPOCH))
                    return by
            self.result.spend(STEPS_PER_EPOCH)
            self.result.see(float(accuracy))
            trial.report(float(accuracy), epoch)
            if epoch < len(row.val_accuracy) and trial.should_prune():
                return "pruner"
        return None

    def _ended_by_rule(self, windows: Sequence[StepWindow]) -> str | None:
        rule = self.steering.rule
        return "rule" if rule and rule.reason_to_stop(windows, chance_loss=CHANCE_LOSS) else None

    def _ended_by_race(self, window: StepWindow) -> str | None:
        race = self.steering.race
        if race is None:
            return None
        others = self._at_rung.get(window.done, ())
        return None if race.goes_on(race.rungs.index(window.done), window.loss, others) else "race"


def keras_tuner_hyperband(pool: Pool, target: float, *, seed: int, factor: int = 3) -> Replayed:
    """KerasTuner's Hyperband: its brackets, rounds and sizes, at random, the best of a round trained on.

    As `keras_tuner.oracles.HyperbandOracle` of 1.4.8 counts them; iterations are repeated until the target is
    reached.
    """
    generator, result = np.random.default_rng(seed), Replayed(target)
    epochs = len(pool.rows[0].val_accuracy)
    brackets = math.floor(math.log(epochs, factor) + 1e-9) + 1
    while not pool.is_empty and not result.is_done:
        for bracket in reversed(range(brackets)):
            play_bracket(pool, result, generator, bracket=bracket, epochs=epochs, factor=factor)
    return result


def play_bracket(
    pool: Pool, result: Replayed, generator: np.random.Generator, *, bracket: int, epochs: int, factor: int
) -> None:
    """One bracket: its rounds, until the target is reached."""
    end_size = math.ceil(1 + math.log(epochs, factor)) / (bracket + 1)
    rows: list[Row] = []
    trained = 0
    for round_number in range(bracket + 1):
        size = math.ceil(end_size * factor ** (bracket - round_number))
        until = math.ceil(epochs / factor ** (bracket - round_number))
        if round_number == 0:
            rows = [pool.take_random(generator) for _ in range(size) if not pool.is_empty]
        else:
            kept = sorted(rows, key=lambda row: -row.val_accuracy[:trained].max())[:size]
            for row in rows:
                if not any(row is one for one in kept):
                    result.ended_early.append(("pruner", row))
                    pool.give_back(row)
            rows = kept
        for row in rows:
            for epoch in range(trained, until):
                result.spend(STEPS_PER_EPOCH)
                result.see(float(row.val_accuracy[epoch]))
                if result.is_done:
                    return
        trained = until


Policy = Callable[[Sequence[Row], float, int], Replayed]


_UNSTEERED = Steering()


_ONE = Contest()


def make_policy(
    *, sampler: str, pruner: str, steering: Steering = _UNSTEERED, contest: Contest = _ONE
) -> Policy:
    """A policy that is replayed from rows, a target and a seed."""
    return lambda rows, target, seed: Replay(
        Pool(rows), target, sampler=sampler, pruner=pruner, steering=steering, contest=contest, seed=seed
    ).run()


PEERS: dict[str, Policy] = {
    "random": make_policy(sampler="random", pruner="none"),
    "TPE": make_policy(sampler="tpe", pruner="none"),
    "TPE + ASHA": make_policy(sampler="tpe", pruner="asha"),
    "TPE + Hyperband": make_policy(sampler="tpe", pruner="hyperband"),
    "KerasTuner Hyperband": lambda rows, target, seed: keras_tuner_hyperband(Pool(rows), target, seed=seed),
}
