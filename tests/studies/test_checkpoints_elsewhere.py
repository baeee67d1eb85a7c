"""Machines that share a PostgreSQL server and no folder: who goes on with a trial finds its checkpoint."""

import os
import signal
import subprocess
import sys
import time
from functools import partial

import pytest

import arnn_search
from arnn_search.errors import StudyError
from arnn_search.studies import search as searching
from arnn_search.studies.checkpoints import (
    CheckpointTooLargeError,
    DatabaseCheckpoints,
    FolderCheckpoints,
    LocalCheckpoints,
    open_checkpoints,
)
from arnn_search.studies.lease import Lease
from arnn_search.studies.ledger import open_ledger, trial_attributes, trial_epochs
from arnn_search.studies.listener import StudyListener
from arnn_search.trials.channel import Built, EpochReport
from arnn_search.trials.checkpoint import Checkpoint, checkpoint_epoch

from . import postgresql
from .scripted import COMPLETED, RATE, ScriptedExecutor
from .test_supervisor import Workplace

pytestmark = pytest.mark.skipif(not postgresql.is_installed(), reason="PostgreSQL is not installed")

EPOCHS = 6
SPACE = '''"""A small net whose epochs take a while, and are counted."""

import time

import keras

from arnn_search.trials import checkpointing

checkpointing._EPOCHS_PER_WRITE = 0  # whatever else the machine does: one after each epoch


class Pause(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        with open(EPOCHS_TRAINED, "a") as file:
            file.write(f"{epoch + 1}\\n")
        time.sleep(0.5)


class Slow(keras.Model):
    def fit(self, *arguments, callbacks=(), **settings):
        pauses = [Pause()] if callbacks else []  # there are none when the space is tried
        return super().fit(*arguments, callbacks=[*pauses, *callbacks], **settings)


def build(hp, data):
    inputs = keras.Input(data.input_shape)
    x = keras.layers.Dense(hp.Int("units", 2, 8), activation="tanh")(inputs)
    model = Slow(inputs, keras.layers.Dense(data.output_units, activation="softmax")(x))
    model.compile("adam", data.loss, metrics=data.metrics)
    return model
'''


@pytest.fixture(scope="module")
def server():
    with postgresql.running_server() as server:
        yield server


@pytest.fixture
def ledger(server):
    """The ledger of a study called "study", which no other test has seen."""
    import optuna

    from arnn_search.studies.storage import open_storage

    yield server.url
    optuna.delete_study(study_name="study", storage=open_storage(None, server.url))


class PowerCut(BaseException):
    pass


class Training:
    """A trial that keeps a checkpoint of every epoch and goes on from the one it finds; counts its epochs."""

    def __init__(self, *, ends_after=None):
        self.trained, self.ends_after = [], ends_after

    def __call__(self, task, session):
        session.suggest(RATE)
        session.built(Built("network", 1))
        first = checkpoint_epoch(task.checkpoint_path)
        for epoch in range(first + 1, task.epochs + 1):
            yield None
            self.trained.append(epoch)
            Checkpoint({}, epoch, 1.0, (), None, {}).write(task.checkpoint_path)
            session.checkpoint(task.checkpoint_path, epoch)
            session.report(EpochReport(epoch, {task.metric: epoch / 10, "loss": 1.0}, float(epoch)))
            if epoch == self.ends_after:
                raise PowerCut
        yield COMPLETED


def _machine(folder, storage):
    return Workplace(folder, slots=1, storage=storage, order="free", sampler="random", epochs=EPOCHS)


@pytest.mark.parametrize("folder", [None, "shared"])
def test_no_epoch_is_trained_twice_when_another_machine_goes_on(tmp_path, ledger, folder, monkeypatch):
    monkeypatch.setattr("arnn_search.studies.supervisor._WAIT_SECONDS", 0.05)
    directory = folder and tmp_path / folder
    first, second, third = Training(ends_after=2), Training(ends_after=4), Training()
    for name, script in (("a", first), ("b", second)):
        place = _machine(tmp_path / name, ledger)
        with pytest.raises(PowerCut):
            place.supervisor(
                ScriptedExecutor(script),
                1,
                lease_seconds=3.0,
                retries=2,
                checkpoints=open_checkpoints(place.ledger, directory),
            ).run()
    # The first machine is back: of the two checkpoints that it can have it takes the later one.
    place = _machine(tmp_path / "a", ledger)
    assert checkpoint_epoch(place._task(0, 3).checkpoint_path) == 2
    store = open_checkpoints(place.ledger, directory)
    supervisor = place.supervisor(ScriptedExecutor(third), 1, lease_seconds=3.0, retries=2, checkpoints=store)
    assert supervisor.run()
    assert first.trained + second.trained + third.trained == [1, 2, 3, 4, 5, 6]
    (trial,) = place.ledger.trials()
    assert trial_attributes(trial)["attempt"] == 3
    assert list(trial_epochs(trial)) == [1, 2, 3, 4, 5, 6]
    left = tmp_path / "left.npz"
    store.fetch(0, left)
    assert not left.exists()


def test_checkpoint_that_is_too_large_for_the_database_is_said_and_the_trial_goes_on(tmp_path, ledger):
    place = _machine(tmp_path, ledger)
    store = DatabaseCheckpoints(place.ledger.storage, "study", most_bytes=10)
    warnings = []

    class Listener(StudyListener):
        def trial_warned(self, number, message):
            warnings.append(message)

    supervisor = place.supervisor(ScriptedExecutor(Training()), 1, listener=Listener(), checkpoints=store)
    assert supervisor.run()
    assert len(warnings) == 1
    assert "--checkpoint-directory names a folder" in warnings[0]
    assert place.ledger.trials()[0].state.name == "COMPLETE"


def test_earlier_epoch_never_takes_the_place_of_a_later_one(tmp_path, ledger):
    place = _machine(tmp_path, ledger)
    store, path = DatabaseCheckpoints(place.ledger.storage, "one"), tmp_path / "checkpoint.npz"
    other = DatabaseCheckpoints(place.ledger.storage, "other")
    for epoch in (5, 3):
        Checkpoint({}, epoch, 1.0, (), None, {}).write(path)
        store.keep(0, path, epoch)
    store.fetch(0, path)
    assert checkpoint_epoch(path) == 5
    fetched = tmp_path / "fetched.npz"
    other.fetch(0, fetched)
    assert not fetched.exists()
    with pytest.raises(CheckpointTooLargeError, match="names a folder"):
        DatabaseCheckpoints(place.ledger.storage, "one", most_bytes=1).keep(0, path, 6)


def test_store_follows_from_where_the_ledger_is(tmp_path, ledger):
    shared, own = _machine(tmp_path / "shared", ledger).ledger, Workplace(tmp_path / "own").ledger
    assert isinstance(open_checkpoints(shared, None), DatabaseCheckpoints)
    assert isinstance(open_checkpoints(own, None), LocalCheckpoints)
    assert isinstance(open_checkpoints(own, tmp_path / "there"), FolderCheckpoints)
    (tmp_path / "file").touch()
    with pytest.raises(StudyError, match="cannot be written"):
        open_checkpoints(own, tmp_path / "file")


def test_killed_machine_costs_no_epoch_but_the_running_one(tmp_path, small_file, ledger, monkeypatch):
    log, space = tmp_path / "epochs.txt", tmp_path / "slow.py"
    space.write_text(SPACE.replace("EPOCHS_TRAINED", repr(str(log))))
    settings = {"storage": ledger, "study": "study", "epochs": EPOCHS, "workers": 1, "mlflow": False}

    def trained():
        return [int(line) for line in log.read_text().split()] if log.exists() else []

    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    arguments = ["--no-mlflow", "--trials=1", f"--space={space}", f"--data={small_file}"]
    arguments += [f"--{key}={settings[key]}" for key in ("storage", "study", "epochs", "workers")]
    command = [sys.executable, "-m", "arnn_search.cli.main", "run", "--quiet", *arguments]
    with subprocess.Popen(
        [*command, f"--directory={tmp_path / 'first'}"], env=environment, stderr=subprocess.PIPE, text=True
    ) as first:
        deadline = time.monotonic() + 280
        while len(trained()) < 4:
            assert time.monotonic() < deadline
            assert first.poll() is None, first.stderr.read()
            time.sleep(0.05)
        first.send_signal(signal.SIGKILL)
    reported = trial_epochs(open_ledger(tmp_path, "study", storage=ledger).trials()[0])
    assert len(reported) >= 3
    # Not the minute that a machine is waited for.
    monkeypatch.setattr(searching, "Lease", partial(Lease, seconds=10))
    study = arnn_search.search(space, small_file, num_trials=1, directory=tmp_path / "second", **settings)
    assert study.trials[0].state == "completed"
    (trial,) = open_ledger(tmp_path, "study", storage=ledger).trials()
    resumed = trial_attributes(trial)["resumed_after"]
    assert resumed >= len(reported)
    assert trained()[-(EPOCHS - resumed) :] == list(range(resumed + 1, EPOCHS + 1))
    assert len(trained()) <= EPOCHS + 1
    assert list(trial_epochs(trial)) == list(range(1, EPOCHS + 1))
