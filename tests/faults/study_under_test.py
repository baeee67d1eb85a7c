"""A study that the real command runs, how things go wrong in it, and what must hold afterwards."""

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil

from arnn_search.studies.ledger import open_ledger, trial_attributes, trial_epochs

PATIENCE_SECONDS = 240
EPOCHS = 4
_ROOT = Path(__file__).parents[2]
_STATUSES = {"completed": "FINISHED", "pruned": "KILLED", "failed": "FAILED", "infeasible": "KILLED"}


def until(condition, what="it happens"):
    """Waits for what a loaded machine may take long for; returns what the condition gives."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.1)
    return value


def is_alive(pid):
    """Whether a process does anything yet; one that has ended may wait for its parent to notice."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


class StudyUnderTest:
    """A study of a few short trials in a folder of its own.

    Args:
        folder: of the test.
        data: prepared, and the folder of what was prepared.
        database: an empty one of MLflow, to be copied.
        trials: the budget.
        flags: options of the command that have no value.
        is_online: whether MLflow is there while the study runs, or only afterwards, which is faster.
        settings: other options.
    """

    def __init__(self, folder, data, database, *, trials=4, flags=(), is_online=False, **settings):
        self.folder, self.trials, self.flags = folder, trials, flags
        self.orders = folder / "orders"
        self.orders.mkdir()
        self.data, self.space = data / "small.npz", folder / "space.py"
        self.space.write_text(
            '"""Of two numbers."""\n\n\ndef build(hp, data):\n    """Stands in for a model."""\n'
        )
        self.studies = folder / "studies"
        shutil.copytree(data / "cache", self.studies / ".data")
        shutil.copy(database, folder / "mlflow.db")
        self.options = {
            "epochs": EPOCHS,
            "workers": 2,
            "sampler": "random",
            "pruner": "none",
            "seed": 3,
            **settings,
        }
        self.environment = os.environ | {
            "ARNN_FAULTS": str(self.orders),
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent / "without_keras"), str(_ROOT)]),
            "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
        }
        self.runs, self.prefix = [], []
        if not is_online:
            self.set("offline")

    # What goes wrong

    def order(self, trial, epoch, what, *, attempt=1):
        """Has something happen in an epoch of a trial; see the stand-in for a trial's body."""
        (self.orders / f"{trial}-{epoch}-{attempt}").write_text(what)

    def reached(self, trial, epoch, *, attempt=1):
        """Waits until an epoch with an order has begun; returns its process."""
        return self.told(f"{trial}-{epoch}-{attempt}")

    def told(self, name):
        """Waits for what a trial tells."""
        path = self.orders / f"{name}.reached"
        until(lambda: path.exists() or self.runs[-1].poll() is not None, name)
        assert path.exists(), f"the study has ended before {name}:\n{self.said()}"
        return json.loads(path.read_text())

    def go_on(self, trial, epoch, *, attempt=1):
        """Ends the wait of an epoch."""
        (self.orders / f"{trial}-{epoch}-{attempt}.go").touch()

    def set(self, name, value=""):
        """Gives an order to every process of the study; see `injections`."""
        (self.orders / f"{name}.draft").write_text(str(value))
        (self.orders / f"{name}.draft").rename(self.orders / name)

    def unset(self, name):
        """Takes it back."""
        (self.orders / name).unlink()

    # Running it

    def start(self, **changes):
        """Starts the command in the background."""
        options = {
            "study": "faulty",
            "space": self.space,
            "data": self.data,
            "trials": self.trials,
        } | self.options
        return self._start("run", *(f"--{flag}" for flag in self.flags), **(options | changes))

    def _start(self, *command, **options):
        words = [
            word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))
        ]
        with (self.folder / f"said-{len(self.runs)}").open("wb") as said:
            process = subprocess.Popen(
                [
                    *self.prefix,
                    sys.executable,
                    "-m",
                    "arnn_search.cli.main",
                    *command,
                    "--directory",
                    str(self.studies),
                    *words,
                ],
                env=self.environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.runs.append(process)
        return process

    def run(self, **changes):
        """Runs the study as far as it comes; returns the exit code."""
        self.start(**changes)
        return self.end()

    def resume(self):
        """Goes on with it, as a user does afterwards; returns the exit code."""
        self._start("run", "--resume", "--study", "faulty")
        return self.end()

    def end(self):
        """Waits until the command has ended."""
        return self.runs[-1].wait(PATIENCE_SECONDS)

    def said(self, number=-1):
        """What the command has printed."""
        return (self.folder / f"said-{range(len(self.runs))[number]}").read_text()

    def close(self):
        """Ends what a failed test has left."""
        for process in self.runs:
            with contextlib.suppress(psutil.NoSuchProcess):
                for child in [*psutil.Process(process.pid).children(recursive=True), process]:
                    child.kill()
            process.wait()

    # What is left of it

    @property
    def directory(self):
        return self.studies / "faulty"

    def ledger(self):
        return open_ledger(self.directory, "faulty", storage=self.options.get("storage"))

    def states(self):
        return [trial_attributes(trial).get("state") for trial in self.ledger().trials()]

    def begun(self):
        """How often each epoch of each trial was begun."""
        lines = (self.orders / "trained").read_text().splitlines()
        return Counter(tuple(map(int, line.split()[:2])) for line in lines)

    def trained_again(self):
        """What was lost: the epochs that were begun more than once, as (trial, epoch)."""
        return sorted(epoch for epoch, times in self.begun().items() if times > 1)

    def _send(self):
        """Sends what is left to MLflow, which takes long to start where there is other work."""
        (self.orders / "offline").unlink(missing_ok=True)
        program = "import sys; from pathlib import Path; from arnn_search.tracking import sync; "
        program += f"print(sync(Path(sys.argv[1]), timeout_seconds={PATIENCE_SECONDS}))"
        sent = subprocess.run(
            [sys.executable, "-c", program, str(self.directory / "tracking")],
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert "remaining=0, rejected=0" in sent.stdout

    def num_points(self, metric):
        """How many points of a metric are in MLflow."""
        with contextlib.closing(sqlite3.connect(self.folder / "mlflow.db", timeout=60)) as connection:
            return connection.execute("SELECT count(*) FROM metrics WHERE key = ?", [metric]).fetchone()[0]

    def check(self, *, states=None, epochs=None, without_layers=()):
        """Resumes the study, and checks that nothing is lost, missing or there twice.

        Args:
            states: of the trials, by number, that are not completed.
            epochs: how many each of those has reported.
            without_layers: trials whose layers' gradients are in their files alone.
        """
        assert self.resume() == 0, self.said()
        if "no-mlflow" not in self.flags:
            self._send()
        expected = ["completed"] * self.trials
        for number, state in (states or {}).items():
            expected[number] = state
        trials = self.ledger().trials()
        assert [trial.number for trial in trials] == list(range(self.trials))
        assert self.states() == expected
        for trial in trials:
            known = (epochs or {}).get(trial.number, EPOCHS)
            assert list(trial_epochs(trial)) == list(range(1, known + 1))
        if "no-mlflow" not in self.flags:
            check_mlflow(self.folder / "mlflow.db", self.ledger(), without_layers)


def check_mlflow(database, ledger, without_layers=()):
    """MLflow holds what the ledger holds: each trial once, each epoch once, and how it ended."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        select = lambda query, *values: connection.execute(query, values).fetchall()  # noqa: E731
        runs = {
            run: dict(select("SELECT key, value FROM tags WHERE run_uuid = ?", run))
            for (run,) in select("SELECT run_uuid FROM runs WHERE lifecycle_stage = 'active'")
        }
        statuses = dict(select("SELECT run_uuid, status FROM runs"))
        times = {run: span for run, *span in select("SELECT run_uuid, start_time, end_time FROM runs")}
        points = {
            run: select("SELECT key, step, value FROM metrics WHERE run_uuid = ? AND NOT is_nan", run)
            for run in runs
        }
        params = {run: dict(select("SELECT key, value FROM params WHERE run_uuid = ?", run)) for run in runs}
    (parent,) = [run for run, tags in runs.items() if tags["arnn.role"] == "study"]
    assert statuses[parent] == "FINISHED"
    of_trial = {int(tags["arnn.trial"]): run for run, tags in runs.items() if run != parent}
    trials = ledger.trials()
    assert len(runs) == len(trials) + 1
    assert sorted(of_trial) == [trial.number for trial in trials]
    for run in runs:
        began, ended = times[run]
        assert began <= ended
        doubled = [point for point, times in Counter(point[:2] for point in points[run]).items() if times > 1]
        assert not doubled, f"{runs[run].get('arnn.trial', 'study')}: {doubled}"
    for trial in trials:
        run, attributes, known = of_trial[trial.number], trial_attributes(trial), trial_epochs(trial)
        assert runs[run]["mlflow.parentRunId"] == parent
        assert runs[run]["arnn.state"] == attributes["state"]
        assert runs[run]["arnn.reason"] == attributes["reason"]
        assert runs[run]["arnn.attempt"] == str(attributes["attempt"])
        assert statuses[run] == _STATUSES[attributes["state"]]
        assert params[run] == {name: str(value) for name, value in trial.params.items()}
        by_name = {}
        for name, step, value in points[run]:
            by_name.setdefault(name, {})[step] = value
        for name in {name for metrics in known.values() for name in metrics}:
            told = {epoch: metrics[name] for epoch, metrics in known.items() if name in metrics}
            assert by_name[name] == told, (trial.number, name)
        # One of those that are in MLflow alone.
        layers = [] if trial.number in without_layers else sorted(known)
        assert sorted(by_name.get("gradient_rms/00_hidden", [])) == layers
        if attributes["state"] == "completed":
            assert by_name["best_val_accuracy"] == {attributes["best_epoch"]: trial.value}
