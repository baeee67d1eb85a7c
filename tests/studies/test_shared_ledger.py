"""Supervisors with nothing in common but a real PostgreSQL server."""

import itertools
import threading

import pytest

from arnn_search.errors import ConfigurationError, StudyError
from arnn_search.studies.config import make_config
from arnn_search.studies.config_file import config_as_toml, recorded_form
from arnn_search.studies.lease import Lease
from arnn_search.studies.ledger import open_ledger, trial_attributes
from arnn_search.studies.storage import without_password

from . import postgresql
from .scripted import ScriptedExecutor, train
from .test_supervisor import Workplace

pytestmark = pytest.mark.skipif(not postgresql.is_installed(), reason="PostgreSQL is not installed")


@pytest.fixture(scope="module")
def server():
    with postgresql.running_server() as server:
        yield server


@pytest.fixture
def storage(server):
    """The ledger of a study called "study", which no other test has seen."""
    import optuna

    from arnn_search.studies.storage import open_storage

    yield server.url
    optuna.delete_study(study_name="study", storage=open_storage(None, server.url))


def machine(folder, storage, **settings):
    return Workplace(folder, storage=storage, order="free", sampler="random", **settings)


def run_together(supervisors):
    errors = []

    def run(supervisor):
        try:
            supervisor.run()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(supervisor,)) for supervisor in supervisors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not errors


def test_machines_share_a_budget_exactly(tmp_path, storage):
    machines = [machine(tmp_path / name, storage, slots=2) for name in "abc"]
    run_together([each.supervisor(ScriptedExecutor(), 20) for each in machines])
    trials = machines[0].ledger.trials()
    assert [trial.number for trial in trials] == list(range(20))
    assert {trial.state.name for trial in trials} == {"COMPLETE"}
    assert len({trial_attributes(trial)["supervisor"] for trial in trials}) > 1


def test_trials_of_a_lost_machine_are_run_by_another(tmp_path, storage):
    class PowerCut(BaseException):
        pass

    def cut_off(task, session):
        script = train(task, session)
        for _ in range(3):
            yield next(script)
        raise PowerCut

    lost = machine(tmp_path / "lost", storage)
    with pytest.raises(PowerCut):
        lost.supervisor(ScriptedExecutor(cut_off), 8).run()
    left = [trial for trial in lost.ledger.trials() if not trial.state.is_finished()]
    assert left
    assert any(trial.params for trial in left)
    other = machine(tmp_path / "other", storage)
    # A second passes with every look, however long it takes.
    assert other.supervisor(ScriptedExecutor(), 8, clock=itertools.count(0.0).__next__).run()
    trials = other.ledger.trials()
    assert [trial.state.name for trial in trials] == ["COMPLETE"] * 8
    for before in left:
        assert trials[before.number].params.items() >= before.params.items()
        assert trial_attributes(trials[before.number])["attempt"] == 2


def test_living_machine_keeps_its_trials_however_long_they_take(tmp_path, storage):
    now = [0.0]
    ledger = machine(tmp_path / "a", storage).ledger
    ours, theirs = (Lease(ledger, shared=True, seconds=60, clock=lambda: now[0]) for _ in range(2))
    trial = ledger.start_trial()
    trial.set_attribute("supervisor", theirs.identity)
    for _ in range(100):
        now[0] += 30
        theirs.renew()
        assert not ours.has_lost(ledger.trials()[0])
    now[0] += 61
    assert ours.has_lost(ledger.trials()[0])
    theirs.renew()
    assert not ours.has_lost(ledger.trials()[0])
    theirs.end()
    assert ours.has_lost(ledger.trials()[0])


def test_machine_that_looks_seldom_finds_the_lost_one(tmp_path, storage):
    now = [0.0]
    ledger = machine(tmp_path / "a", storage).ledger
    ours, theirs = (Lease(ledger, shared=True, seconds=60, clock=lambda: now[0]) for _ in range(2))
    ledger.start_trial().set_attribute("supervisor", theirs.identity)
    theirs.renew()
    looks = 0
    while not ours.has_lost(ledger.trials()[0]):
        now[0] += 3600
        ours.renew()
        looks += 1
    assert looks == 7


def test_restart_of_the_server_in_mid_study_costs_nothing(tmp_path, server, storage):
    restarts = []

    def restarts_once(task, session):
        if task.number == 3 and not restarts:
            restarts.append(task.number)
            server.stop()
            starting = threading.Timer(1.0, server.start)
            starting.start()
        yield from train(task, session)

    place = machine(tmp_path / "a", storage)
    assert place.supervisor(ScriptedExecutor(restarts_once), 8).run()
    assert restarts == [3]
    place.reopen()
    assert [trial.state.name for trial in place.ledger.trials()] == ["COMPLETE"] * 8
    assert [len(trial.intermediate_values) for trial in place.ledger.trials()] == [3] * 8


def test_password_is_written_nowhere(server):
    assert "open-sesame" in server.url
    config = make_config({"storage": server.url, "study": "shared"})
    text = config_as_toml(recorded_form(config, study="shared"))
    assert without_password(server.url) in text
    assert "open-sesame" not in text
    with pytest.raises(ConfigurationError) as refused:
        make_config({"storage": "mysql://user:open-sesame@host/studies"})
    assert "open-sesame" not in str(refused.value)


def test_database_that_does_not_answer_is_named_without_its_password(tmp_path):
    with pytest.raises(StudyError, match="cannot be opened") as failed:
        open_ledger(tmp_path, "study", storage="postgresql://user:open-sesame@127.0.0.1:9/studies")
    assert "open-sesame" not in str(failed.value)
