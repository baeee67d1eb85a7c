"""The conformance suite of engines."""

import json
from collections.abc import Mapping

from optuna.trial import TrialState

from arnn_search.spaces.parameters import Parameter, Value
from arnn_search.studies.engines.engine import Engine, PastTrial, Readiness
from arnn_search.testing.simulation import (
    FAMILY,
    LEVEL,
    NUM_COMBINATIONS,
    Ask,
    SimulatedStudy,
    conditional_space,
    shuffled_failures,
)


class EngineConformance:
    """What every engine must do. Subclass it, and say how the engine is made.

    Attributes:
        is_random: whether another seed, or another trial's number, gives other values.
        is_exhaustive: whether it proposes each of finitely many combinations once, and then no more.

    Example:
        ```python
        class TestMyEngine(EngineConformance):
            def make_engine(self, seed):
                return MyEngine(seed=seed)
        ```
    """

    is_random = True
    is_exhaustive = False

    def make_engine(self, seed: int) -> Engine:
        """An engine for full trials of 9 epochs whose scores are maximised.

        The space's defaults ask for `simulation.LEVEL`, `FAMILY` and `WIDTH`.
        """
        raise NotImplementedError

    def test_values_are_what_the_parameters_allow(self) -> None:
        for past in self._run(15):
            assert past.parameters["level"] in (0.0, 0.25, 0.5, 0.75, 1.0)
            assert past.parameters["family"] in FAMILY.choices
            assert past.parameters.get("width", 1) in (1, 3, 5, 7, 9)
            assert past.parameters.get("limit", 1.0) in (0.25, 0.5, 0.75, 1.0)
            assert type(past.parameters.get("width", 1)) is int
            assert type(past.parameters["level"]) is float

    def test_a_parameter_has_one_value_in_a_trial(self) -> None:
        engine = self.make_engine(1)
        proposal = engine.propose(0, [])
        assert proposal.suggest(LEVEL) == proposal.suggest(LEVEL)
        engine.close()

    def test_same_seed_and_history_give_the_same_proposal(self) -> None:
        history = self._run(12)
        assert self._proposed(history) == self._proposed(history)

    def test_same_seed_gives_the_same_study(self) -> None:
        assert _record(self._run(14)) == _record(self._run(14))

    def test_other_seeds_give_other_studies(self) -> None:
        if self.is_random:
            assert _record(self._run(6, seed=1)) != _record(self._run(6, seed=2))

    def test_trials_of_a_study_differ(self) -> None:
        assert len({str(past.parameters) for past in self._run(6)}) > 1

    def test_restored_engine_goes_on_as_if_it_had_never_stopped(self) -> None:
        whole = self._run(16)
        broken = SimulatedStudy(self.make_engine(1))
        broken.run(9)
        broken.engine.close()
        broken.engine = self.make_engine(1)
        broken.engine.restore(broken.history)
        assert _record(broken.run(16)) == _record(whole)
        broken.engine.close()

    def test_trial_that_was_running_is_proposed_again_as_it_was(self) -> None:
        study = SimulatedStudy(self.make_engine(1))
        history = list(study.run(5))
        lost = study.engine.propose(5, history)
        values, _ = study.values(lost)
        study.engine.close()
        again = self.make_engine(1)
        again.restore([*history, PastTrial(opening=lost.opening)])
        assert study.values(again.propose(5, history))[0] == values
        again.close()

    def test_settled_values_are_kept(self) -> None:
        settled: list[dict[str, Value]] = [{"level": 0.25}, {"level": 1.0, "family": "ar", "limit": 0.5}]
        for fixed in settled:
            engine = self.make_engine(1)
            study = SimulatedStudy(engine)
            values, _ = study.values(engine.propose(0, [], fixed=fixed))
            assert fixed.items() <= values.items()
            engine.close()

    def test_parameter_that_shows_up_late_is_answered_and_explored(self) -> None:
        def growing(ask: Ask) -> None:
            conditional_space(ask)
            if len(study.history) >= 4:
                ask(late)

        late = Parameter("late", "int", low=1, high=4, default=1)
        study = SimulatedStudy(self.make_engine(1), space=growing)
        history = study.run(16)
        assert all(("late" in past.parameters) == (number >= 4) for number, past in enumerate(history))
        assert {past.parameters["late"] for past in history[4:]} <= {1, 2, 3, 4}
        study.engine.close()

    def test_failed_pruned_and_running_trials_do_no_harm(self) -> None:
        history = shuffled_failures(self._run(12))
        engine = self.make_engine(1)
        study = SimulatedStudy(engine)
        if engine.readiness(12, history) is Readiness.READY:
            assert study.values(engine.propose(12, history))[0]
        engine.close()

    def test_asking_whether_it_is_ready_changes_nothing(self) -> None:
        history = self._run(6)
        engine = self.make_engine(1)
        for _ in range(3):
            assert engine.readiness(6, history) is Readiness.READY
        study = SimulatedStudy(engine)
        assert study.values(engine.propose(6, history))[0] == self._proposed(history)
        engine.close()

    def test_notes_are_json(self) -> None:
        for past in self._run(12):
            assert json.loads(json.dumps(past.notes)) == past.notes
            assert json.loads(json.dumps(past.opening)) == past.opening

    def test_trial_that_leads_is_not_pruned(self) -> None:
        study = SimulatedStudy(self.make_engine(1))
        history = study.run(12)
        proposal = study.engine.propose(12, history)
        study.values(proposal)
        assert not any(proposal.should_prune(epoch, 100.0 * epoch) for epoch in range(1, 9))
        study.engine.close()

    def test_schedule_fits_the_epochs_of_a_trial(self) -> None:
        study = SimulatedStudy(self.make_engine(1))
        for number in range(12):
            history = list(study.history)
            schedule = study.engine.propose(number, history).schedule
            if schedule is not None:
                assert 0 <= schedule.first_epoch < schedule.last_epoch <= study.epochs
                assert (schedule.continues is None) == (schedule.first_epoch == 0)
            if schedule is not None and schedule.continues is not None:
                assert history[schedule.continues].state == TrialState.COMPLETE
            study.run(number + 1)
            if schedule is not None and schedule.continues is not None:
                continued = history[schedule.continues]
                assert study.history[number].parameters == continued.parameters
        study.engine.close()

    def test_exhaustive_engine_proposes_everything_once_and_says_when_it_is_done(self) -> None:
        if not self.is_exhaustive:
            return
        history = self._run(NUM_COMBINATIONS + 5)
        assert len({str(sorted(past.parameters.items())) for past in history}) == NUM_COMBINATIONS
        assert len(history) == NUM_COMBINATIONS

    def _run(self, length: int, *, seed: int = 1) -> list[PastTrial]:
        study = SimulatedStudy(self.make_engine(seed))
        history = study.run(length)
        study.engine.close()
        return history

    def _proposed(self, history: list[PastTrial]) -> Mapping[str, Value]:
        engine = self.make_engine(1)
        values, _ = SimulatedStudy(engine).values(engine.propose(len(history), history))
        engine.close()
        return values


def _record(history: list[PastTrial]) -> list[tuple[str, Mapping[str, Value], float | None]]:
    return [(past.state.name, past.parameters, past.value) for past in history]
