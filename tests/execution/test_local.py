"""Trials in real processes. The forkserver is started once for all tests of the session."""

import json
import os
import re
import signal
import subprocess
import sys

import psutil
import pytest

from arnn_search.errors import DataError
from arnn_search.execution import LocalExecutor
from arnn_search.execution.backends import chosen_backend
from arnn_search.execution.devices import Gpu
from arnn_search.execution.local import preloaded
from arnn_search.trials import framework
from arnn_search.trials.outcome import TrialOutcome
from tests.execution.recording import SLOT, RecordingSession, run_until


@pytest.fixture
def executor():
    with LocalExecutor() as executor:
        yield executor


def test_trial_is_built_trained_and_reported(executor, make_task, write_space):
    session, task = RecordingSession(), make_task(write_space())
    executor.submit(task, SLOT, session)
    run_until(executor, lambda: session.outcome)
    assert session.outcome == TrialOutcome("completed", "completed")
    assert session.suggested == ["units", "activation", "learning_rate"]
    assert [report.epoch for report in session.reports] == [1, 2]
    assert {"loss", "val_accuracy", "learning_rate", "health/score"} <= set(session.reports[0].metrics)
    assert session.events[0][0] == "built"
    assert task.model_path.is_file()
    assert task.gradients_path.is_file()


def test_two_trials_run_at_the_same_time_and_repeat_exactly(executor, make_task, write_space):
    sessions = [RecordingSession(), RecordingSession()]
    for number, session in enumerate(sessions):
        executor.submit(make_task(write_space(), number), SLOT, session)
    run_until(executor, lambda: all(session.outcome for session in sessions))
    metrics = [[repr(report.metrics) for report in session.reports] for session in sessions]
    assert metrics[0] == metrics[1]


def test_slot_environment_reaches_the_trial_and_output_goes_to_its_log(executor, make_task, write_space):
    space = write_space(
        "    model.compile",
        '    import os\n    print("slot", os.environ["ARNN_TEST_SLOT"])\n    model.compile',
    )
    session, task = RecordingSession(), make_task(space)
    executor.submit(task, SLOT, session)
    run_until(executor, lambda: session.outcome)
    assert "slot 7" in (task.directory / "log.txt").read_text()


def test_stop_answer_prunes(executor, make_task, write_space):
    session = RecordingSession()
    session.stop_at = 1
    executor.submit(make_task(write_space(), epochs=50), SLOT, session)
    run_until(executor, lambda: session.outcome)
    assert (session.outcome.state, session.outcome.reason) == ("pruned", "pruner")
    assert len(session.reports) == 1


def test_exception_in_a_space_is_named_with_its_line(executor, make_task, write_space):
    space = write_space("    inputs =", '    raise KeyError("nope")\n    inputs =')
    session = RecordingSession()
    executor.submit(make_task(space), SLOT, session)
    run_until(executor, lambda: session.outcome)
    assert (session.outcome.state, session.outcome.reason) == ("failed", "exception: KeyError")
    assert f"{space}, line 9: KeyError: 'nope'" in session.outcome.message
    assert "Traceback" in session.outcome.traceback
    assert not session.outcome.retry


def test_killed_trial_is_told_as_killed(executor, make_task, write_space):
    space = write_space(
        "    inputs =", "    import os, signal\n    os.kill(os.getpid(), signal.SIGKILL)\n    inputs ="
    )
    session = RecordingSession()
    executor.submit(make_task(space), SLOT, session)
    run_until(executor, lambda: session.outcome)
    assert (session.outcome.state, session.outcome.reason) == ("failed", "killed by signal 9")
    assert session.outcome.retry


def test_allocation_that_fails_is_out_of_memory_with_its_size(executor, make_task, write_space):
    space = write_space("    inputs =", "    keras.ops.zeros((1 << 45,))\n    inputs =")
    session = RecordingSession()
    executor.submit(make_task(space), SLOT, session)
    run_until(executor, lambda: session.outcome)
    assert (session.outcome.state, session.outcome.reason) == ("infeasible", "out of memory")
    assert session.outcome.requested_bytes == 4 << 45
    assert session.outcome.peak_bytes > 1 << 20


def test_trial_that_leaks_is_ended_at_its_limit_and_others_go_on(make_task, write_space):
    leaks = write_space(
        "    inputs =",
        "    import numpy, time\n"
        "    kept = []\n"
        "    while True:\n"
        "        kept.append(numpy.ones(4 << 20)); time.sleep(0.02)\n"
        "    inputs =",
        name="leaks.py",
    )
    leaking, other, after = RecordingSession(), RecordingSession(), RecordingSession()
    limit = 1500 << 20
    with LocalExecutor(trial_memory=limit) as executor:
        executor.submit(make_task(leaks, 0), SLOT, leaking)
        executor.submit(make_task(write_space(), 1), SLOT, other)
        run_until(executor, lambda: leaking.outcome and other.outcome)
        executor.submit(make_task(write_space(), 2), SLOT, after)
        run_until(executor, lambda: after.outcome)
    assert (leaking.outcome.state, leaking.outcome.reason) == ("infeasible", "out of memory")
    assert "trial_memory is 1.46 GB" in leaking.outcome.message
    assert limit < leaking.outcome.peak_bytes < 2 * limit
    assert other.outcome == after.outcome == TrialOutcome("completed", "completed")


def test_process_that_the_kernel_has_ended_for_its_memory_is_told_so(make_task, write_space, monkeypatch):
    kills = iter([0, 0, 1, 1, 1])
    monkeypatch.setattr("arnn_search.execution.local.num_kernel_kills", lambda: next(kills))
    space = write_space(
        "    inputs =", "    import os, signal\n    os.kill(os.getpid(), signal.SIGKILL)\n    inputs ="
    )
    sessions = [RecordingSession(), RecordingSession()]
    with LocalExecutor() as executor:
        for number, session in enumerate(sessions):
            executor.submit(make_task(space, number), SLOT, session)
            run_until(executor, lambda: session.outcome)  # noqa: B023
    assert [session.outcome.reason for session in sessions] == ["out of memory", "killed by signal 9"]


def test_diverging_trial_is_told_as_diverged(executor, make_task, write_space):
    space = write_space("keras.optimizers.Adam(rate)", "keras.optimizers.SGD(1e38)")
    session = RecordingSession()
    executor.submit(make_task(space, epochs=5), SLOT, session)
    run_until(executor, lambda: session.outcome)
    assert (session.outcome.state, session.outcome.reason) == ("failed", "diverged")


def test_kill_ends_a_trial_with_the_given_outcome(executor, make_task, write_space):
    session = RecordingSession()
    executor.submit(make_task(write_space(), epochs=100_000), SLOT, session)
    run_until(executor, lambda: session.reports)
    outcome = TrialOutcome("failed", "timed out")
    executor.kill(0, outcome)
    assert session.outcome is outcome


def test_closing_leaves_no_process_behind(make_task, write_space):
    with LocalExecutor() as executor:
        session = RecordingSession()
        executor.submit(make_task(write_space(), epochs=100_000), SLOT, session)
        run_until(executor, lambda: session.reports)
        (process,) = [running.process for running in executor._running.values()]
    assert not process.is_alive()
    assert session.outcome is None


def test_call_returns_values_and_passes_errors_on(executor, tmp_path):
    assert executor.call("math:hypot", 3.0, 4.0) == 5.0
    with pytest.raises(DataError, match="holds no prepared data"):
        executor.call("arnn_search.data:open_prepared", tmp_path)
    with pytest.raises(RuntimeError, match="ValueError: math domain error"):
        executor.call("math:sqrt", -1.0)
    with pytest.raises(RuntimeError, match="signal 9"):
        executor.call("signal:raise_signal", signal.SIGKILL)


def test_this_process_imports_no_framework():
    program = (
        "import sys, arnn_search.cli.main, arnn_search.studies.search, arnn_search.tracking.tracker\n"
        "print([name for name in ('tensorflow', 'jax', 'torch', 'keras') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_torch_is_left_to_choose_its_device_in_each_process_where_there_are_gpus(tmp_path):
    with_keras = preloaded("jax", [Gpu("0")])
    assert preloaded("torch", []) == with_keras
    modules = preloaded("torch", [Gpu("0")])
    assert "tensorflow" in with_keras
    program = (
        "import importlib, json, sys\n"
        "for name in sys.argv[1:]:\n"
        "    importlib.import_module(name)\n"
        "loaded = [name for name in ('keras', 'tensorflow') if name in sys.modules]\n"
        "import keras, tensorflow as tf\n"
        "print(json.dumps([loaded, tf.keras.Model is not None, keras.config.backend()]))"
    )
    modules = [name for name in modules if name != "torch._dynamo"]  # torch need not be installed
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-c", program, *modules]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert json.loads(done.stdout.splitlines()[-1]) == [["tensorflow"], True, chosen_backend()]


def test_what_trials_are_forked_from_asks_no_driver_for_gpus(executor):
    assert executor.call("os:getenv", "CUDA_VISIBLE_DEVICES") == "-1"
    assert executor.call("os:getenv", "PYTORCH_NVML_BASED_CUDA_CHECK") == "1"
    assert os.environ.get("PYTORCH_NVML_BASED_CUDA_CHECK") is None


@pytest.mark.parametrize("error", [RuntimeError("no supported devices found."), AssertionError("no CUDA")])
def test_backend_that_cannot_use_a_gpu_says_why(monkeypatch, error):
    def fail(backend):
        raise error

    monkeypatch.setattr(framework, "_visible_gpus", fail)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    problem = framework.missing_gpu({"CUDA_VISIBLE_DEVICES": "0"})
    assert re.match(r"GPU 0 is there, but \w+ cannot use it: no [\w ]+\. `arnn-search doctor`", problem)


def test_trial_ends_soon_after_its_supervisor_was_killed(make_task, write_space, tmp_path):
    space = write_space("    inputs =", "    import time\n    time.sleep(600)\n    inputs =")
    program = tmp_path / "supervise.py"
    program.write_text(
        "import pickle, sys\n"
        "from arnn_search.execution import LocalExecutor, Slot\n"
        "from tests.execution.recording import RecordingSession, SLOT\n"
        "executor = LocalExecutor()\n"
        "executor.submit(pickle.load(open(sys.argv[1], 'rb')), SLOT, RecordingSession())\n"
        "print([running.process.pid for running in executor._running.values()][0], flush=True)\n"
        "executor.poll(600)\n"
        "executor.poll(600)\n"
        "executor.poll(600)\n"
        "executor.poll(600)\n"
    )
    import pickle

    (tmp_path / "task").write_bytes(pickle.dumps(make_task(space)))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, str(program), str(tmp_path / "task")]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=environment, cwd=os.getcwd()
    ) as supervisor:
        trial = psutil.Process(int(supervisor.stdout.readline()))
        supervisor.kill()
    _, alive = psutil.wait_procs([trial], timeout=20)
    assert not alive
