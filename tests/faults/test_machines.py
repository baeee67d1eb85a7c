"""Machines that are lost, databases that restart, clocks that are wrong, supervisors that collide.

Each test says what was lost: the epochs that were trained again.
"""

import psutil
import pytest

from tests.studies import postgresql

from .study_under_test import until

pytestmark = pytest.mark.timeout(1200)


@pytest.mark.filterwarnings("ignore::FutureWarning:ray.*", "ignore::ResourceWarning")
def test_ray_node_that_is_killed_costs_the_running_epoch(new_study, monkeypatch):
    cluster_utils = pytest.importorskip("ray.cluster_utils")
    study = new_study(trials=2)
    for name, value in study.environment.items():
        monkeypatch.setenv(name, value)  # for the nodes' processes
    cluster = cluster_utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "num_gpus": 0})
    try:
        lost = cluster.add_node(num_cpus=1, num_gpus=0)
        cluster.wait_for_nodes()
        study.options |= {"executor": "ray", "address": cluster.address}
        for number in (0, 1):
            study.order(number, 3, "wait")
        study.start()
        trials = [study.reached(0, 3), study.reached(1, 3)]
        raylet = lost.all_processes["raylet"][0].process.pid
        on_lost_node = [raylet in {one.pid for one in psutil.Process(pid).parents()} for pid in trials]
        assert sorted(on_lost_node) == [False, True]
        for process in psutil.Process(raylet).children(recursive=True):
            process.kill()
        cluster.remove_node(lost, allow_graceful=False)
        study.go_on(0, 3)
        study.go_on(1, 3)
        assert study.end() == 0
        assert study.trained_again() == [(on_lost_node.index(True), 3)]
        study.check()
    finally:
        cluster.shutdown()


def test_clock_that_is_set_back_an_hour_costs_nothing(new_study):
    study = new_study()
    study.order(1, 2, "wait")
    study.start()
    study.reached(1, 2)
    study.set("clock", -3600)
    study.go_on(1, 2)
    assert study.end() == 0
    assert study.trained_again() == []
    study.check()


def test_clock_that_is_set_back_between_two_supervisors_costs_the_running_epoch(new_study):
    study = new_study(workers=1)
    study.order(1, 3, "wait")
    command = study.start()
    study.reached(1, 3)
    command.kill()
    study.end()
    study.set("clock", -3600)
    study.check()
    assert study.trained_again() == [(1, 3)]


def test_of_two_supervisors_that_begin_a_study_at_once_one_is_refused(new_study):
    study = new_study()
    study.order(0, 1, "wait")
    first, second = study.start(), study.start()
    study.reached(0, 1)
    until(lambda: first.poll() is not None or second.poll() is not None, "one has ended")
    refused = int(second.poll() is not None)
    assert (first, second)[refused].returncode == 2
    assert "is running already" in study.said(refused)
    study.go_on(0, 1)
    assert (second, first)[refused].wait() == 0
    assert study.trained_again() == []
    study.check()


@pytest.mark.skipif(not postgresql.is_installed(), reason="PostgreSQL is not installed")
def test_postgresql_that_restarts_costs_nothing(new_study, tmp_path):
    with postgresql.running_server() as server:
        study = new_study(storage=server.url, flags=["no-mlflow"])
        study.environment["PGPASSWORD"] = server.password  # which is written nowhere
        study.order(1, 2, "wait")
        study.start()
        study.reached(1, 2)
        server.stop()
        study.go_on(1, 2)
        until(lambda: "Waiting, since the database does not answer" in study.said(), "it waits")
        server.start()
        assert study.end() == 0
        assert study.trained_again() == []
        study.check()
