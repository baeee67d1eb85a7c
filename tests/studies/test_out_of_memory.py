"""Trials for which there is not enough memory: tried once more with half the batch, then infeasible."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from arnn_search.execution import Slot
from arnn_search.studies.admission import MOST_TRIES, Admission
from arnn_search.studies.config import make_config
from arnn_search.studies.layout import StudyLayout
from arnn_search.studies.ledger import trial_attributes
from arnn_search.studies.rerun import make_task
from arnn_search.trials.channel import Built, EpochReport
from arnn_search.trials.outcome import memory_outcome

from .scripted import COMPLETED, KILLED, RATE, WIDTH, ScriptedExecutor, train
from .test_supervisor import Workplace

GIGABYTE = 1 << 30


class Memory:
    """Trains where the width times the batch is no more than there is memory for; notes every attempt."""

    def __init__(self, most):
        self.most, self.attempts, self.epochs = most, [], []

    def __call__(self, task, session):
        build_again = True
        while build_again:
            width = session.suggest(WIDTH)
            session.suggest(RATE)
            verdict = session.built(Built(f"width-{width}", width * 100, training_bytes=width * GIGABYTE))
            build_again = verdict.build_again
        if verdict.outcome is not None:
            yield verdict.outcome
            return
        yield None
        self.attempts.append((task.number, task.attempt, width, task.batch_size))
        session.report(EpochReport(1, {task.metric: width / task.batch_size, "loss": 0.5}, 1.0))
        if width * task.batch_size > self.most:
            yield memory_outcome("No room.", peak_bytes=3 * GIGABYTE, requested_bytes=GIGABYTE)
            return
        for epoch in range(2, task.epochs + 1):
            yield None
            session.report(EpochReport(epoch, {task.metric: 1.0 + width, "loss": 0.1}, float(epoch)))
        yield COMPLETED


def _run(tmp_path, script, trials=12, **settings):
    place = Workplace(tmp_path, slots=1, sampler="random")
    place.admission = settings.pop("admission", Admission())
    place.supervisor(ScriptedExecutor(script), trials, **settings).run()
    return place.ledger.trials(), [trial_attributes(trial) for trial in place.ledger.trials()]


def test_half_the_batch_is_tried_once_and_then_the_trial_is_infeasible(tmp_path):
    script = Memory(most=20)  # a batch of 8 fits up to a width of 1, one of 4 up to a width of 5
    trials, attributes = _run(tmp_path, script, retries=0)
    batches = {}
    for number, attempt, width, batch in script.attempts:
        batches.setdefault((number, width), []).append(batch)
        assert attempt == len(batches[number, width])
    assert {width for _, width in batches} == {1, 3, 5, 7, 9}
    for (number, width), tried in batches.items():
        assert tried == ([8] if width == 1 else [8, 4])
        fits = width <= 5
        assert attributes[number]["state"] == ("completed" if fits else "infeasible")
        assert attributes[number].get("batch_size") == (None if width == 1 else 4)
        assert trials[number].constraints == ({} if fits else {"memory": 1.0})
        sizes = attributes[number].get("out_of_memory", [])
        assert [size["batch_size"] for size in sizes] == tried[: len(tried) - fits]
        assert all(size["num_parameters"] == width * 100 for size in sizes)
    refused = next(one for one in attributes if one["state"] == "infeasible")
    assert refused["reason"] == "out of memory"
    assert refused["message"].endswith("it asked for another 1.00 GB). No room.")
    assert "weights and a batch of 4 (training it was estimated at" in refused["message"]


def test_numbers_of_the_smaller_batch_take_the_place_of_the_larger_ones(tmp_path):
    script = Memory(most=20)
    trials, _ = _run(tmp_path, script)
    number, _, width, batch = next(one for one in script.attempts if one[1] == 2)
    assert trials[number].intermediate_values[1] == width / batch


@pytest.mark.parametrize(("batch", "replicas", "halved"), [(1, 1, None), (6, 2, None), (8, 2, 4), (3, 1, 1)])
def test_batch_is_halved_as_far_as_devices_and_samples_go(tmp_path, batch, replicas, halved):
    script = Memory(most=0)
    place = Workplace(tmp_path, slots=1, sampler="random")
    place.slots = [Slot("cpu:0", "cpu", 1, {"ARNN_SEARCH_REPLICAS": str(replicas)})]
    make_task = place._task
    place._task = lambda number, attempt: replace(make_task(number, attempt), batch_size=batch)
    place.supervisor(ScriptedExecutor(script), 1).run()
    assert [one[3] for one in script.attempts] == [batch] + ([] if halved is None else [halved])


def test_death_with_half_the_batch_is_run_again_with_half_the_batch(tmp_path):
    class DiesOnce(Memory):
        def __call__(self, task, session):
            if task.attempt == 2:
                yield KILLED
            yield from super().__call__(task, session)

    script = DiesOnce(most=20)
    _, attributes = _run(tmp_path, script, 8)
    again = {number: batch for number, attempt, _, batch in script.attempts if attempt == 3}
    assert again
    assert set(again.values()) == {4}
    assert all(attributes[number]["attempt"] == 3 for number in again)


def test_architecture_whose_training_is_estimated_too_large_is_never_trained(tmp_path):
    script = Memory(most=1000)
    trials, attributes = _run(tmp_path, script, admission=Admission(max_memory=5 * GIGABYTE))
    assert {width for _, _, width, _ in script.attempts} == {1, 3, 5}
    refused = [number for number, one in enumerate(attributes) if one["state"] == "infeasible"]
    assert {attributes[number]["reason"] for number in refused} == {"exceeds max_memory"}
    assert all(trials[number].constraints["max_memory"] > 0 for number in refused)
    assert "Training it takes about 7,516 MB; max_memory is 5,369 MB." in {
        attributes[number]["message"] for number in refused
    }


@pytest.mark.parametrize("duplicates", ["resample", "reuse"])
def test_architecture_that_did_not_fit_is_not_tried_again(tmp_path, duplicates):
    script = Memory(most=20)
    trials, attributes = _run(tmp_path, script, 14, admission=Admission(duplicates=duplicates))
    tried = [width for _, attempt, width, _ in script.attempts if attempt == 1 and width > 5]
    if duplicates == "resample":
        # The last of several proposals is tried whatever it is: all five widths are known by then.
        resampled = {number for number, one in enumerate(attributes) if one.get("resampled") == MOST_TRIES}
        first = {number for number, attempt, _, _ in script.attempts if attempt == 1} - resampled
        assert len(first) == 5
        return
    assert len(tried) == len(set(tried))
    again = [one for one in attributes if one["state"] == "infeasible" and one["reason"] == "reused"]
    assert again
    assert all("which ran out of memory." in one["message"] for one in again)
    assert {trial.constraints["memory"] for trial in trials if trial.params["width"] > 5} == {1.0}


def test_scripted_trials_that_fit_are_not_touched(tmp_path):
    _, attributes = _run(tmp_path, train, 4)
    assert not any("batch_size" in one or "out_of_memory" in one for one in attributes)


def test_trial_is_run_again_with_the_batch_that_it_was_trained_with(tmp_path):
    study = SimpleNamespace(
        config=make_config({"batch_size": 32}),
        data_spec=None,
        data_directory=tmp_path,
        layout=StudyLayout(tmp_path),
        metric="val_accuracy",
        direction="maximize",
    )
    for recorded, expected in ((None, 32), (16, 16)):
        trial = SimpleNamespace(number=3, batch_size=recorded)
        assert make_task(study, trial, subfolder="rerun").batch_size == expected
