"""Limits on what is trained, and what becomes of architectures that have been evaluated."""

import pytest

import arnn_search
from arnn_search.spaces.parameters import Parameter
from arnn_search.studies.admission import MOST_TRIES, TRAIN, Admission
from arnn_search.studies.ledger import trial_attributes
from arnn_search.trials.channel import Built, EpochReport

from .scripted import COMPLETED, KILLED, ScriptedExecutor
from .test_supervisor import Workplace

WIDTH = Parameter("width", "int", low=1, high=9, step=2, default=1)
UNUSED = Parameter("unused", "float", low=0.0, high=1.0, default=0.5)


class Trainings:
    """Five architectures, and a parameter that makes no difference; remembers what it trained."""

    def __init__(self):
        self.trained = []

    def __call__(self, task, session):
        build_again = True
        while build_again:
            yield None
            width = session.suggest(WIDTH)
            session.suggest(UNUSED)
            verdict = session.built(Built(f"width-{width}", width * 100, latency_ms=width * 1.0))
            build_again = verdict.build_again
        if verdict.outcome is not None:
            yield verdict.outcome
        self.trained.append(width)
        for epoch in range(1, task.epochs + 1):
            yield None
            session.report(EpochReport(epoch, {task.metric: width + epoch / 10, "loss": 0.1}, float(epoch)))
        yield COMPLETED


def _run(tmp_path, admission, trials, *, sampler="random", slots=1):
    place, script = Workplace(tmp_path, slots=slots, sampler=sampler), Trainings()
    place.admission = admission
    place.supervisor(ScriptedExecutor(script), trials).run()
    attributes = [trial_attributes(trial) for trial in place.ledger.trials()]
    return place.ledger.trials(), attributes, script.trained


def test_constraints_are_relative_and_kept_limits_are_not_positive():
    admission = Admission(max_parameters=200, max_latency_ms=4.0)
    built = Built("a", 300, latency_ms=2.0)
    assert admission.constraints(built) == {"max_parameters": 0.5, "max_latency_ms": -0.5}
    assert Admission().constraints(built) == {}
    at_the_limit = Built("a", 200, latency_ms=4.0)
    assert admission.judge(at_the_limit, {}.get, tries=0, can_resample=True) == TRAIN


def test_architectures_beyond_a_limit_are_infeasible_and_never_trained(tmp_path):
    trials, attributes, trained = _run(tmp_path, Admission(max_parameters=500), 20)
    infeasible = [one for one in attributes if one["state"] == "infeasible"]
    assert infeasible
    assert max(trained) == 5
    assert len(trained) + len(infeasible) == 20
    assert {one["reason"] for one in infeasible} == {"exceeds max_parameters"}
    assert "Has 700 weights; max_parameters is 500." in {one["message"] for one in infeasible}
    for trial, attribute in zip(trials, attributes, strict=True):
        assert (trial.constraints["max_parameters"] > 0) == (attribute["state"] == "infeasible")


def test_latency_has_a_limit_too(tmp_path):
    _, attributes, trained = _run(tmp_path, Admission(max_latency_ms=3.5), 12)
    assert max(trained) == 3
    assert any(one["message"] == "Takes 9.00 ms per sample; max_latency_ms is 3.5." for one in attributes)


def test_tpe_learns_where_it_is_not_feasible(tmp_path):
    def num_infeasible(sampler):
        _, attributes, _ = _run(tmp_path / sampler, Admission(max_parameters=500), 70, sampler=sampler)
        return sum(one["state"] == "infeasible" for one in attributes[40:])

    assert num_infeasible("tpe") < num_infeasible("random")


def test_architecture_that_was_evaluated_is_resampled(tmp_path):
    _, attributes, trained = _run(tmp_path, Admission(duplicates="resample"), 5)
    assert sorted(trained) == [1, 3, 5, 7, 9]
    assert any(one.get("resampled") for one in attributes)


def test_after_a_few_tries_it_counts_as_a_new_one(tmp_path):
    _, attributes, trained = _run(tmp_path, Admission(duplicates="resample"), 9)
    assert len(trained) == 9
    assert MOST_TRIES in [one.get("resampled") for one in attributes]


def test_only_the_values_that_are_trained_are_recorded(tmp_path):
    trials, attributes, trained = _run(tmp_path, Admission(duplicates="resample"), 6)
    assert [trial.params["width"] for trial in trials] == trained
    assert [one["architecture"] for one in attributes] == [f"width-{width}" for width in trained]


@pytest.mark.parametrize("sampler", ["random", "grid"])
def test_recorded_result_is_taken_over(tmp_path, sampler):
    class Halves(Trainings):
        pass

    place, script = Workplace(tmp_path, slots=1, sampler="random"), Halves()
    place.admission = Admission(duplicates="reuse")
    place.supervisor(ScriptedExecutor(script), 12).run()
    trials = place.ledger.trials()
    attributes = [trial_attributes(trial) for trial in trials]
    assert len(script.trained) == len(set(script.trained)) <= 5
    reused = [number for number, one in enumerate(attributes) if "reused" in one]
    assert len(reused) == 12 - len(script.trained)
    for number in reused:
        source = attributes[number]["reused"]
        assert trials[number].value == trials[source].value
        assert trials[number].intermediate_values == trials[source].intermediate_values
        assert attributes[number]["reason"] == "reused"
        assert attributes[number]["architecture"] == attributes[source]["architecture"]


def test_repeated_architectures_are_trained_again(tmp_path):
    _, _, trained = _run(tmp_path, Admission(duplicates="repeat"), 12)
    assert len(trained) == 12


@pytest.mark.parametrize("duplicates", ["resample", "reuse"])
def test_strict_order_gives_the_same_study_in_every_interleaving(tmp_path, duplicates):
    results = []
    for seed in range(3):
        place = Workplace(tmp_path / str(seed), slots=3, sampler="tpe")
        place.admission = Admission(max_parameters=800, duplicates=duplicates)
        place.supervisor(ScriptedExecutor(Trainings(), seed=seed), 20).run()
        results.append(place.results())
    assert results[1:] == results[:1] * 2


def test_trial_that_was_admitted_is_trained_when_it_is_run_again(tmp_path):
    class DiesOnce(Trainings):
        def __call__(self, task, session):
            if task.attempt == 1 and task.number in (2, 7):
                session.built(Built(f"width-{session.suggest(WIDTH)}", 1))
                yield KILLED
            yield from super().__call__(task, session)

    place, script = Workplace(tmp_path, slots=1, sampler="random"), DiesOnce()
    place.admission = Admission(duplicates="resample")
    place.supervisor(ScriptedExecutor(script), 9).run()
    for number in (2, 7):
        attributes = trial_attributes(place.ledger.trials()[number])
        assert attributes["attempt"] == 2
        assert "reused" not in attributes


def test_limits_hold_in_a_real_study(folder, small_file, write_space):
    study = arnn_search.search(
        write_space(),
        small_file,
        num_trials=4,
        executor="inline",
        epochs=1,
        batch_size=16,
        mlflow=False,
        max_parameters=30,
        max_latency_ms=1e6,
    )
    for trial in study.trials:
        assert trial.state == ("completed" if trial.num_parameters <= 30 else "infeasible")
    assert {trial.state for trial in study.trials} == {"completed", "infeasible"}
    assert all(trial.architecture for trial in study.trials)
