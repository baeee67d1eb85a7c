"""Trials that train nothing, but ask, report and keep their state as real ones do, and fail when told to.

A file `TRIAL-EPOCH-ATTEMPT` in the folder of the test's orders holds what happens in that epoch. Every epoch
that is begun is a line of `trained`.
"""

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from arnn_search.spaces.parameters import Parameter
from arnn_search.trials.channel import Built, ChannelClosedError, EpochReport
from arnn_search.trials.checkpoint import Checkpoint, CheckpointError, read_checkpoint, task_identity
from arnn_search.trials.outcome import TrialOutcome, failure_outcome

ORDERS = Path(os.environ["ARNN_FAULTS"])
RATE = Parameter("rate", "float", low=1e-4, high=1.0, log=True, default=0.01)
WIDTH = Parameter("width", "int", low=1, high=9, step=2, default=3)


def run_trial(task, channel, *, threads=None):
    try:
        return _train(task, channel)
    except ChannelClosedError:
        raise
    except Exception as error:
        return failure_outcome(error, task.space)


def _train(task, channel):
    rate, width = channel.suggest(RATE), channel.suggest(WIDTH)
    channel.built(Built(f"{rate}-{width}", width))
    identity = task_identity(task, architecture=f"{rate}-{width}", backend="none")
    epoch, state, reports = 0, float(task.seed), []
    try:
        checkpoint = read_checkpoint(task.checkpoint_path, identity)
    except CheckpointError as error:
        channel.event("checkpoint ignored", {"reason": str(error)})
        checkpoint = None
    if checkpoint is not None:
        epoch, state = checkpoint.epoch, float(checkpoint.arrays["state"])
        reports = list(checkpoint.reports)
        channel.event("resumed", {"epoch": epoch})
        for report in reports:
            channel.report(report)
    while epoch < task.epochs:
        epoch += 1
        with (ORDERS / "trained").open("a") as log:
            log.write(f"{task.number} {epoch} {task.attempt} {os.getpid()}\n")
        what = _obey(task, epoch)
        state = math.fmod(state * 3.7 + rate + width, 1.0)  # only who has the state goes on with its numbers
        metrics = {"loss": state, "val_accuracy": 1 - state / 2, "gradient_rms/00_hidden": state + epoch}
        if what == "nan":
            metrics["loss"] = math.nan
        if what == "other numbers":
            metrics["loss"] += 1.0
        reports.append(EpochReport(epoch, metrics, 0.1 * epoch))
        _keep(task, channel, identity, state, reports)
        reason = channel.report(reports[-1])
        if not math.isfinite(metrics["loss"]):
            return TrialOutcome("failed", "diverged", f"The training loss was nan after epoch {epoch}.")
        if reason is not None:
            return TrialOutcome("pruned", reason)
    task.model_path.write_text("a model")
    return TrialOutcome("completed", "completed")


def _keep(task, channel, identity, state, reports):
    if (ORDERS / "no checkpoints").exists():
        return
    checkpoint = Checkpoint(
        identity,
        epoch=reports[-1].epoch,
        seconds=reports[-1].seconds,
        reports=tuple(reports),
        best=None,
        arrays={"state": np.array(state)},
    )
    try:
        checkpoint.write(task.checkpoint_path)
    except OSError as error:
        channel.event("checkpoint failed", {"reason": str(error)})
    else:
        channel.checkpoint(task.checkpoint_path, checkpoint.epoch)


def _obey(task, epoch):
    order = ORDERS / f"{task.number}-{epoch}-{task.attempt}"
    if not order.exists():
        return ""
    what = order.read_text()
    if what == "fork":
        _fork()
    if what in ("wait", "hang", "fork"):
        _say(order, os.getpid())
        while not order.with_suffix(".go").exists():
            time.sleep(0.02)
    if what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    return what


def _fork():
    """A child, one that has left the group, and one whose parent has ended."""
    sleep = [sys.executable, "-S", "-c", "import time; time.sleep(3600)"]
    children = [subprocess.Popen(sleep).pid, subprocess.Popen(sleep, start_new_session=True).pid]
    program = f"import subprocess; print(subprocess.Popen({sleep!r}, stdout=-3, start_new_session=True).pid)"
    children.append(int(subprocess.check_output([sys.executable, "-S", "-c", program], close_fds=True)))
    _say(ORDERS / "children", children)


def _say(path, content):
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(content))
    draft.rename(path.with_suffix(".reached"))
