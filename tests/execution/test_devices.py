import pytest

from arnn_search.errors import ConfigurationError
from arnn_search.execution import devices
from arnn_search.execution.devices import plan_slots


@pytest.fixture
def machine(monkeypatch):
    def make(*, gpus=(), cores=8, free_gigabytes=64):
        monkeypatch.setattr(devices, "visible_gpus", lambda: [str(gpu) for gpu in gpus])
        monkeypatch.setattr(devices, "num_cores", lambda: cores)
        memory = type("Memory", (), {"available": free_gigabytes << 30})()
        monkeypatch.setattr(devices.psutil, "virtual_memory", lambda: memory)

    return make


def test_one_slot_for_each_gpu_which_sees_no_other(machine):
    machine(gpus=[0, 1], cores=8)
    slots = plan_slots()
    assert [slot.name for slot in slots] == ["gpu:0", "gpu:1"]
    assert [slot.environment["CUDA_VISIBLE_DEVICES"] for slot in slots] == ["0", "1"]
    assert [slot.threads for slot in slots] == [4, 4]


def test_cpu_slots_share_the_cores(machine):
    machine(cores=4)
    slots = plan_slots(workers=2)
    assert [slot.threads for slot in slots] == [2, 2]
    assert all(slot.environment["CUDA_VISIBLE_DEVICES"] == "-1" for slot in slots)
    assert all(slot.environment["OMP_NUM_THREADS"] == "2" for slot in slots)


def test_automatic_cpu_slots_are_bounded_by_cores_and_memory(machine):
    machine(cores=2)
    assert len(plan_slots()) == 2
    machine(cores=64)
    assert len(plan_slots()) == 8
    machine(cores=8, free_gigabytes=5)
    assert len(plan_slots()) == 2
    machine(cores=8, free_gigabytes=0)
    assert len(plan_slots()) == 1


def test_cpu_can_be_asked_for_where_there_are_gpus(machine):
    machine(gpus=[0], cores=2)
    assert {slot.device for slot in plan_slots("cpu")} == {"cpu"}


@pytest.mark.parametrize(
    ("devices_text", "expected"), [("2", ["2"]), ("0,2", ["0", "2"]), ("1-3", ["1", "2", "3"])]
)
def test_gpus_by_index(machine, devices_text, expected):
    machine(gpus=range(4))
    assert [slot.environment["CUDA_VISIBLE_DEVICES"] for slot in plan_slots(devices_text)] == expected


def test_more_workers_than_gpus_share_them_in_turn(machine):
    machine(gpus=[0, 1], cores=8)
    slots = plan_slots(workers=4)
    assert [slot.environment["CUDA_VISIBLE_DEVICES"] for slot in slots] == ["0", "1", "0", "1"]
    assert len({slot.name for slot in slots}) == 4


def test_missing_gpu_is_named(machine):
    machine(gpus=[0])
    with pytest.raises(
        ConfigurationError, match=r"GPU 3, which does not exist here. This machine has GPUs 0"
    ):
        plan_slots("0,3")
    machine()
    with pytest.raises(ConfigurationError, match="no GPU, only the CPU"):
        plan_slots("0")


@pytest.mark.parametrize("text", ["gpu", "0,,1", "1-", ""])
def test_unreadable_devices_are_refused(machine, text):
    machine(gpus=[0, 1])
    with pytest.raises(ConfigurationError, match="'auto', 'cpu', or GPU indices"):
        plan_slots(text)


def test_workers_below_one_are_refused(machine):
    machine()
    with pytest.raises(ConfigurationError, match=r"`workers` must be at least 1. Received: 0"):
        plan_slots(workers=0)


def test_real_machine_has_a_slot():
    assert plan_slots()[0].threads >= 1
