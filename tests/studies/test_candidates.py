"""Several candidates for one trial, of which the one that learns fastest is trained."""

import itertools
import math

import pytest

import arnn_search
from arnn_search.errors import ConfigurationError
from arnn_search.spaces.parameters import Parameter
from arnn_search.studies.admission import Admission
from arnn_search.studies.draft import Contest
from arnn_search.studies.ledger import trial_attributes
from arnn_search.studies.rerun import rerun_trial
from arnn_search.trials.channel import Built, EpochReport, FirstSteps
from arnn_search.trials.outcome import TrialOutcome

from .scripted import COMPLETED, KILLED, ScriptedExecutor
from .test_supervisor import Workplace

WIDTH = Parameter("width", "int", low=1, high=99, default=1)
RATE = Parameter("rate", "float", low=0.0, high=1.0, default=0.5)


class Trainings:
    """The wider, the faster it learns. Remembers what competed and what was trained."""

    def __init__(self, *, loss=lambda width: 1 / width, dies=(), latency=lambda: None, fails=()):
        self.competed, self.trained, self._loss, self._dies = {}, {}, loss, set(dies)
        self._latency, self._fails = latency, fails

    def __call__(self, task, session):
        key, build_again = (task.number, task.attempt), True
        while build_again:
            yield None
            width = session.suggest(WIDTH)
            if (*key, "rebuilt") in self._dies and len(self.competed.get(key, [])) == 4:
                yield KILLED  # of the winner one value is asked for, the other is not
            session.suggest(RATE)
            if width in self._fails:
                if session.competed(FirstSteps(None, "It cannot be built.")):
                    continue
                yield TrialOutcome("failed", "space", "It cannot be built.")
            verdict = session.built(Built(f"width-{width}", width, latency_ms=self._latency()))
            if verdict.candidate_steps:
                assert verdict.candidate_steps == 5
                self.competed.setdefault(key, []).append(width)
                if (*key, len(self.competed[key])) in self._dies:
                    yield KILLED
                assert session.competed(FirstSteps(self._loss(width)))
            build_again = bool(verdict.build_again or verdict.candidate_steps)
        if verdict.outcome is not None:
            yield verdict.outcome
        self.trained[key] = width
        if (*key, "trained") in self._dies:
            yield KILLED
        session.report(EpochReport(1, {task.metric: width / 100, "loss": 0.1}, 1.0))
        yield COMPLETED


def _run(directory, script, *, trials=4, admission=None, sampler="random", slots=1, candidates=4):
    place = Workplace(directory, slots=slots, sampler=sampler, epochs=1)
    place.admission = admission or Admission()
    contest = Contest(candidates, steps=5)
    place.supervisor(ScriptedExecutor(script), trials, contest=contest).run()
    return place.ledger.trials()


def test_the_one_that_learns_fastest_becomes_the_trial(tmp_path):
    script = Trainings()
    trials = _run(tmp_path, script)
    assert len(trials) == 4
    for trial in trials:
        competed = script.competed[trial.number, 1]
        assert len(competed) == 4
        assert trial.params["width"] == script.trained[trial.number, 1] == max(competed)
        recorded = trial_attributes(trial)["candidates"]
        assert [one["parameters"]["width"] for one in recorded] == competed
        assert [one["loss"] for one in recorded] == [1 / width for width in competed]
        taken = next(one for one in recorded if one["parameters"]["width"] == max(competed))
        assert trial.params == taken["parameters"]


def test_loss_that_is_not_finite_loses(tmp_path):
    script = Trainings(loss=lambda width: math.inf if width % 2 else width)
    for trial in _run(tmp_path, script):
        even = [width for width in script.competed[trial.number, 1] if width % 2 == 0]
        if even:
            assert trial.params["width"] == min(even)
        assert None in [one["loss"] for one in trial_attributes(trial)["candidates"]] or len(even) == 4


def test_what_may_not_be_trained_does_not_compete(tmp_path):
    script = Trainings()
    trials = _run(tmp_path, script, admission=Admission(max_parameters=30), trials=12)
    states = [trial_attributes(trial)["state"] for trial in trials]
    assert {"completed", "infeasible"} == set(states)  # of some, all four were too large
    for trial, state in zip(trials, states, strict=True):
        competed = script.competed.get((trial.number, 1), [])
        assert all(width <= 30 for width in competed)
        assert (state == "completed") == bool(competed)
        assert (trial.constraints["max_parameters"] <= 0) == bool(competed)


def test_what_was_evaluated_does_not_compete(tmp_path):
    script = Trainings()
    trials = _run(tmp_path, script, admission=Admission(duplicates="resample"), trials=30)
    widths = [trial.params["width"] for trial in trials]
    assert len(set(widths)) == len(widths)
    # Almost all of the widest are trained by then, and so do not enter.
    assert any(len(competed) < 4 for competed in script.competed.values())


def test_trial_whose_process_died_among_its_candidates_begins_anew(tmp_path):
    undisturbed, script = Trainings(), Trainings(dies={(1, 1, 3)})
    expected = [trial.params for trial in _run(tmp_path / "undisturbed", undisturbed)]
    assert [trial.params for trial in _run(tmp_path / "died", script)] == expected
    assert script.competed[1, 2] == undisturbed.competed[1, 1]


def test_trial_whose_process_died_before_the_winner_was_built_begins_anew(tmp_path):
    undisturbed, script = Trainings(), Trainings(dies={(1, 1, "rebuilt")})
    expected = [trial.params for trial in _run(tmp_path / "undisturbed", undisturbed)]
    trials = _run(tmp_path / "died", script)
    assert [trial.params for trial in trials] == expected
    assert script.competed[1, 2] == script.competed[1, 1]
    assert len(trial_attributes(trials[1])["candidates"]) == 4


def test_candidate_that_cannot_be_trained_is_one_less(tmp_path):
    fails = range(50, 100)
    script = Trainings(fails=fails)
    trials = _run(tmp_path, script, trials=12)
    states = {trial_attributes(trial)["state"] for trial in trials}
    assert "completed" in states
    for trial in trials:
        competed = script.competed.get((trial.number, 1), [])
        assert not set(competed) & set(fails)
        # Only where none of the four can be trained does the trial fail, with the last one's values.
        assert (trial_attributes(trial)["state"] == "failed") == (not competed)
        assert (trial.params["width"] in fails) == (not competed)
    assert any(0 < len(competed) < 4 for competed in script.competed.values())


def test_latency_of_the_winner_is_the_one_it_was_admitted_with(tmp_path):
    measured = itertools.cycle([1.0, 1.0, 1.0, 1.0, 9.0])  # the fifth is of the winner, built again
    script = Trainings(latency=lambda: next(measured))
    for trial in _run(tmp_path, script, admission=Admission(max_latency_ms=2.0)):
        attributes = trial_attributes(trial)
        assert (attributes["state"], attributes["latency_ms"]) == ("completed", 1.0)
        assert trial.constraints["max_latency_ms"] == -0.5


def test_trial_that_was_taken_is_what_runs_again(tmp_path):
    script = Trainings(dies={(1, 1, "trained")})
    trials = _run(tmp_path, script)
    assert (1, 2) not in script.competed
    assert script.trained[1, 2] == script.trained[1, 1] == trials[1].params["width"]
    assert len(trial_attributes(trials[1])["candidates"]) == 4


@pytest.mark.parametrize("sampler", ["tpe", "qmc"])
def test_same_study_with_several_workers(tmp_path, sampler):
    runs = [_run(tmp_path / name, Trainings(), trials=16, sampler=sampler, slots=2) for name in ("a", "b")]
    assert [trial.params for trial in runs[0]] == [trial.params for trial in runs[1]]
    assert len({tuple(trial.params.values()) for trial in runs[0]}) > 8


def test_engine_that_proposes_once_is_refused(small_file, write_space):
    for settings in ({"sampler": "grid"}, {"engine": "keras-tuner"}):
        with pytest.raises(ConfigurationError, match="`candidates_per_trial` needs a sampler"):
            arnn_search.search(write_space(), small_file, candidates_per_trial=2, **settings)
    with pytest.raises(ConfigurationError, match="candidates_per_trial"):
        arnn_search.search(write_space(), small_file, candidates_per_trial=0)


def test_real_candidates_are_trained_for_their_first_steps(folder, small_file, write_space):
    settings = {"executor": "inline", "epochs": 2, "batch_size": 16, "mlflow": False, "seed": 3}
    study = arnn_search.search(
        write_space(), small_file, num_trials=2, candidates_per_trial=3, candidate_steps=4, **settings
    )
    for trial in study.trials:
        assert trial.state == "completed"
        assert len(trial.metrics) > 2
        losses = [one["loss"] for one in trial.candidates]
        assert len(losses) == 3
        taken = trial.candidates[losses.index(min(losses))]
        assert dict(trial.parameters) == taken["parameters"]
    # What it became is what it would have been without a contest.
    assert rerun_trial(study, 0).is_equal


def test_real_candidate_that_raises_is_one_less(folder, small_file, write_space):
    line = "def build(hp, data):\n"
    fails = '    if hp.Boolean("fails"):\n        raise ValueError("not this one")\n'
    settings = {"executor": "inline", "epochs": 1, "batch_size": 16, "mlflow": False, "seed": 3}
    study = arnn_search.search(
        write_space(line, line + fails),
        small_file,
        num_trials=3,
        candidates_per_trial=4,
        candidate_steps=2,
        **settings,
    )
    assert [trial.state for trial in study.trials] == ["completed"] * 3
    assert not any(trial.parameters["fails"] for trial in study.trials)
    assert any(len(trial.candidates) < 4 for trial in study.trials)
