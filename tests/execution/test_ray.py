"""Trials on a real Ray cluster of two nodes on this machine."""

import pytest

from arnn_search.errors import ConfigurationError
from arnn_search.execution import DeviceRequest, RayExecutor
from arnn_search.trials.outcome import TrialOutcome
from tests.execution.recording import SLOT, RecordingSession, run_until

ray = pytest.importorskip("ray")

SLOW_SPACE = '''"""A small net whose epochs take a while."""

import time

import keras

from arnn_search.trials import checkpointing

checkpointing._EPOCHS_PER_WRITE = 0  # whatever else the machine does: one after each epoch


class Slow(keras.Model):
    def fit(self, *arguments, callbacks=(), **settings):
        pause = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: time.sleep(0.8))
        return super().fit(*arguments, callbacks=[pause, *callbacks], **settings)


def build(hp, data):
    inputs = keras.Input(data.input_shape)
    x = keras.layers.Dense(4, activation="tanh")(inputs)
    model = Slow(inputs, keras.layers.Dense(data.output_units, activation="softmax")(x))
    model.compile("adam", data.loss, metrics=data.metrics)
    return model
'''
pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning:ray.*"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def cluster():
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "num_gpus": 0})
    cluster.add_node(num_cpus=1, num_gpus=0)
    cluster.wait_for_nodes()
    yield cluster
    cluster.shutdown()


@pytest.fixture
def executor(cluster):
    with RayExecutor(address=cluster.address) as executor:
        yield executor


def test_cluster_without_gpus_gives_a_slot_per_core(executor):
    assert [slot.name for slot in executor.plan_slots(DeviceRequest()).slots] == ["ray:cpu:0", "ray:cpu:1"]
    assert [slot.threads for slot in executor.plan_slots(DeviceRequest(workers=1)).slots] == [2]
    with pytest.raises(ConfigurationError, match=r"which assigns GPUs itself\. Received: '0,1'"):
        executor.plan_slots(DeviceRequest("0,1"))


def test_trials_run_at_once_on_both_nodes_and_their_files_come_back(executor, make_task, write_space):
    space = write_space(
        "    model.compile",
        "    import os, ray\n"
        '    print("slot", os.environ["ARNN_TEST_SLOT"])\n'
        '    print("node", ray.get_runtime_context().get_node_id())\n'
        "    model.compile",
    )
    sessions, tasks = [RecordingSession(), RecordingSession()], [make_task(space, 0), make_task(space, 1)]
    for task, session in zip(tasks, sessions, strict=True):
        executor.submit(task, SLOT, session)
    run_until(executor, lambda: all(session.outcome for session in sessions))
    for task, session in zip(tasks, sessions, strict=True):
        assert session.outcome == TrialOutcome("completed", "completed")
        assert session.suggested == ["units", "activation", "learning_rate"]
        assert [report.epoch for report in session.reports] == [1, 2]
        assert session.events[0][0] == "built"
        assert task.model_path.is_file()
        assert task.gradients_path.is_file()
        assert "slot 7" in (task.directory / "log.txt").read_text()
    nodes = [
        line
        for task in tasks
        for line in (task.directory / "log.txt").read_text().splitlines()
        if line.startswith("node ")
    ]
    assert len(set(nodes)) == 2
    metrics = [[repr(report.metrics) for report in session.reports] for session in sessions]
    assert metrics[0] == metrics[1]


def test_exceptions_are_named_with_the_users_file_and_killed_workers_are_told(
    executor, make_task, write_space
):
    broken = write_space("    inputs =", '    raise KeyError("nope")\n    inputs =', name="broken.py")
    killed = write_space(
        "    inputs =", "    import os\n    os.kill(os.getpid(), 9)\n    inputs =", name="killed.py"
    )
    sessions = [RecordingSession(), RecordingSession()]
    for number, (space, session) in enumerate(zip((broken, killed), sessions, strict=True)):
        executor.submit(make_task(space, number), SLOT, session)
    run_until(executor, lambda: all(session.outcome for session in sessions))
    assert sessions[0].outcome.reason == "exception: KeyError"
    assert f"{broken}, line 9: KeyError: 'nope'" in sessions[0].outcome.message
    assert str(broken) in sessions[0].outcome.traceback
    assert (sessions[1].outcome.reason, sessions[1].outcome.retry) == ("worker lost", True)


def test_stop_answer_prunes_and_kill_ends(executor, make_task, write_space):
    pruned, killed = RecordingSession(), RecordingSession()
    pruned.stop_at = 1
    executor.submit(make_task(write_space(), 0, epochs=50), SLOT, pruned)
    executor.submit(make_task(write_space(), 1, epochs=100_000), SLOT, killed)
    run_until(executor, lambda: pruned.outcome and killed.reports)
    assert (pruned.outcome.state, pruned.outcome.reason, len(pruned.reports)) == ("pruned", "pruner", 1)
    outcome = TrialOutcome("failed", "timed out")
    executor.kill(1, outcome)
    assert killed.outcome is outcome


def test_trial_of_a_lost_node_goes_on_from_its_last_epoch_on_another(cluster, executor, make_task, tmp_path):
    space = tmp_path / "slow.py"
    space.write_text(SLOW_SPACE)
    tasks = [make_task(space, number, epochs=6) for number in range(2)]
    sessions = [RecordingSession(), RecordingSession()]
    for task, session in zip(tasks, sessions, strict=True):
        executor.submit(task, SLOT, session)
    run_until(executor, lambda: all(len(session.reports) >= 3 for session in sessions), seconds=240)
    cluster.remove_node(cluster.worker_nodes.copy().pop(), allow_graceful=False)
    run_until(executor, lambda: all(session.outcome for session in sessions), seconds=240)
    (lost,) = [number for number, session in enumerate(sessions) if session.outcome.reason == "worker lost"]
    assert sessions[lost].outcome.retry
    again, whole = RecordingSession(), sessions[1 - lost]
    executor.submit(tasks[lost], SLOT, again)
    run_until(executor, lambda: again.outcome, seconds=240)
    assert again.outcome == whole.outcome == TrialOutcome("completed", "completed")
    (resumed,) = [details["epoch"] for name, details in again.events if name == "resumed"]
    assert resumed >= len(sessions[lost].reports) >= 3
    trained = [epoch for name, epoch in again.events if name == "checkpoint"]
    assert trained == list(range(resumed + 1, 7))
    assert [repr(report.metrics) for report in again.reports] == [repr(one.metrics) for one in whole.reports]
    cluster.add_node(num_cpus=1, num_gpus=0)
    cluster.wait_for_nodes()


def test_trial_that_exceeds_its_memory_is_told_so(cluster, make_task, write_space):
    space = write_space(
        "    inputs =",
        "    import numpy, time\n"
        "    kept = []\n"
        "    while True:\n"
        "        kept.append(numpy.ones(4 << 20)); time.sleep(0.02)\n"
        "    inputs =",
    )
    session = RecordingSession()
    with RayExecutor(address=cluster.address, trial_memory=1500 << 20) as executor:
        executor.submit(make_task(space), SLOT, session)
        run_until(executor, lambda: session.outcome)
    assert (session.outcome.state, session.outcome.reason) == ("infeasible", "out of memory")
    assert "trial_memory is 1.46 GB" in session.outcome.message


def test_cluster_that_does_not_answer_is_named():
    assert not ray.is_initialized()
    with pytest.raises(ConfigurationError, match=r"No Ray cluster answers at '127\.0\.0\.1:9'"):
        RayExecutor(address="127.0.0.1:9")
