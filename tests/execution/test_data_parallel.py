"""A trial over two devices gives the numbers of one; real devices are stood in for by virtual ones."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

from arnn_search.execution import DeviceRequest, LocalExecutor, plan_slots
from tests.execution.recording import RecordingSession, run_until

PROGRAM = """
import json, sys
from pathlib import Path
from arnn_search.execution import InlineExecutor, DeviceRequest
from arnn_search.trials.task import TrialTask
from tests.execution.recording import SLOT, RecordingSession

session = RecordingSession()
space, data, directory = map(Path, sys.argv[1:])
task = TrialTask(number=0, seed=1, space=space, data=data, directory=directory, epochs=2, batch_size=16,
                 metric="val_accuracy", direction="maximize")
task.directory.mkdir()
InlineExecutor().submit(task, SLOT, session)
assert session.outcome.state == "completed", session.outcome
print(json.dumps([dict(report.metrics) for report in session.reports]))
"""


def _slot(replicas):
    return plan_slots(DeviceRequest("cpu", workers=1, gpus_per_trial=replicas)).slots[0]


def _check_same(one, two):
    assert len(one) == len(two) == 2
    for first, second in zip(one, two, strict=True):
        assert first.keys() == second.keys()
        assert {name for name in first if name.startswith("gradient_rms/")}
        for name in first:
            np.testing.assert_allclose(second[name], first[name], rtol=1e-4, atol=1e-6, err_msg=name)


def test_on_tensorflow(tmp_path, make_task, write_space):
    space = write_space(
        "    model.compile(",
        "    import tensorflow as tf\n"
        '    print("replicas", tf.distribute.get_strategy().num_replicas_in_sync)\n'
        "    model.compile(",
    )
    sessions = []
    with LocalExecutor() as executor:
        for number, replicas in enumerate((1, 2)):
            sessions.append(RecordingSession())
            executor.submit(make_task(space, number), _slot(replicas), sessions[-1])
        run_until(executor, lambda: all(session.outcome for session in sessions))
    assert [session.outcome.traceback for session in sessions] == [""] * 2
    assert "replicas 2" in (tmp_path / "trial-1" / "log.txt").read_text()
    _check_same(*([dict(report.metrics) for report in session.reports] for session in sessions))


@pytest.mark.skipif(find_spec("jax") is None, reason="JAX is not installed")
def test_on_jax(tmp_path, small_data, write_space):
    def started(replicas):
        environment = os.environ | dict(_slot(replicas).environment) | {"KERAS_BACKEND": "jax"}
        environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        words = [write_space(), small_data.directory, tmp_path / f"trial-{replicas}"]
        command = [sys.executable, "-c", PROGRAM, *map(str, words)]
        return subprocess.Popen(command, stdout=-1, stderr=-1, text=True, env=environment)

    def reports(process):
        output, errors = process.communicate()
        assert process.returncode == 0, errors
        return json.loads(output.splitlines()[-1])

    processes = [started(1), started(2)]
    _check_same(*map(reports, processes))
