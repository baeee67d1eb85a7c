import pytest

from arnn_search.errors import ConfigurationError
from arnn_search.execution import DeviceRequest, SlotPlan, devices, plan_slots, slots
from arnn_search.execution.devices import Gpu
from arnn_search.execution.ray_slots import plan_ray_slots


def _plan(devices="auto", **request) -> SlotPlan:
    return plan_slots(DeviceRequest(devices, **request))


def _slots(*arguments, **request):
    return _plan(*arguments, **request).slots


def _visible(*arguments, **request):
    return [slot.environment["CUDA_VISIBLE_DEVICES"] for slot in _slots(*arguments, **request)]


@pytest.fixture
def machine(monkeypatch):
    def make(*, gpus=(), cores=8, free_gigabytes=64):
        monkeypatch.setattr(
            devices, "visible_gpus", lambda: [Gpu(str(gpu), "H100", 80 * 1024) for gpu in gpus]
        )
        monkeypatch.setattr(devices, "num_cores", lambda: cores)
        memory = type("Memory", (), {"available": free_gigabytes << 30})()
        monkeypatch.setattr(slots.psutil, "virtual_memory", lambda: memory)

    return make


def test_one_slot_for_each_gpu_which_sees_no_other(machine):
    machine(gpus=[0, 1], cores=8)
    slots = _slots()
    assert [slot.name for slot in slots] == ["gpu:0", "gpu:1"]
    assert [slot.environment["CUDA_VISIBLE_DEVICES"] for slot in slots] == ["0", "1"]
    assert [slot.threads for slot in slots] == [4, 4]


def test_cpu_slots_share_the_cores(machine):
    machine(cores=4)
    slots = _slots(workers=2)
    assert [slot.threads for slot in slots] == [2, 2]
    assert all(slot.environment["CUDA_VISIBLE_DEVICES"] == "-1" for slot in slots)
    assert all(slot.environment["OMP_NUM_THREADS"] == "2" for slot in slots)


def test_automatic_cpu_slots_are_bounded_by_cores_and_memory(machine):
    machine(cores=2)
    assert len(_slots()) == 2
    machine(cores=64)
    assert len(_slots()) == 8
    machine(cores=8, free_gigabytes=5)
    assert len(_slots()) == 2
    machine(cores=8, free_gigabytes=0)
    assert len(_slots()) == 1


def test_cpu_can_be_asked_for_where_there_are_gpus(machine):
    machine(gpus=[0], cores=2)
    assert {slot.device for slot in _slots("cpu")} == {"cpu"}


@pytest.mark.parametrize(
    ("devices_text", "expected"), [("2", ["2"]), ("0,2", ["0", "2"]), ("1-3", ["1", "2", "3"])]
)
def test_gpus_by_index(machine, devices_text, expected):
    machine(gpus=range(4))
    assert _visible(devices_text) == expected


def test_more_workers_than_gpus_share_them_in_turn(machine):
    machine(gpus=[0, 1], cores=8)
    assert _visible(workers=4) == ["0", "1", "0", "1"]
    assert len({slot.name for slot in _slots(workers=4)}) == 4


def test_missing_gpu_is_named(machine):
    machine(gpus=[0])
    with pytest.raises(
        ConfigurationError, match=r"GPU 3, which does not exist here. This machine has GPUs 0"
    ):
        _slots("0,3")
    machine()
    with pytest.raises(ConfigurationError, match="no GPU, only the CPU"):
        _slots("0")


@pytest.mark.parametrize("text", ["gpu", "0,,1", "1-", "3-1", ""])
def test_unreadable_devices_are_refused(machine, text):
    machine(gpus=[0, 1])
    with pytest.raises(ConfigurationError, match="'auto', 'cpu', or GPU indices"):
        _slots(text)


@pytest.mark.parametrize("name", ["workers", "slots_per_device", "gpus_per_trial"])
def test_numbers_below_one_are_refused(machine, name):
    machine(gpus=[0])
    with pytest.raises(ConfigurationError, match=f"`{name}` must be at least 1. Received: 0"):
        _slots(**{name: 0})


def test_slots_per_device_and_workers_bound_each_other(machine):
    machine(gpus=[0, 1], cores=8)
    slots = _slots(slots_per_device=2)
    assert [slot.name for slot in slots] == ["gpu:0/0", "gpu:1/1", "gpu:0/2", "gpu:1/3"]
    assert [(slot.threads, slot.gpus) for slot in slots] == [(2, 0.5)] * 4
    assert len(_slots(slots_per_device=2, workers=3)) == 3
    assert len(_slots("cpu", slots_per_device=3)) == 3
    assert len(_slots("cpu", slots_per_device=3, workers=2)) == 2


def test_a_trial_over_several_gpus_sees_all_of_them(machine):
    machine(gpus=[0, 1, 2, 3, 4])
    plan = _plan(gpus_per_trial=2)
    assert [slot.environment["CUDA_VISIBLE_DEVICES"] for slot in plan.slots] == ["0,1", "2,3"]
    assert [slot.name for slot in plan.slots] == ["gpu:0+1", "gpu:2+3"]
    assert {slot.environment["ARNN_SEARCH_REPLICAS"] for slot in plan.slots} == {"2"}
    assert "Left over, since a trial takes 2: GPU 4 (H100, 80 GB)." in plan.reasons
    with pytest.raises(ConfigurationError, match="is 6, but only 5 can be used here"):
        _slots(gpus_per_trial=6)
    machine()
    with pytest.raises(ConfigurationError, match=r"no GPU\. `--devices cpu` tries it"):
        _slots(gpus_per_trial=2)
    (slot,) = _slots("cpu", gpus_per_trial=2, workers=1)
    assert "device_count=2" in slot.environment["XLA_FLAGS"]


def test_gpu_memory_grows_or_is_shared_out(machine):
    machine(gpus=[0], cores=4)
    growing, shared = _slots()[0].environment, _slots(slots_per_device=2, gpu_memory="0.4")[0].environment
    assert growing["XLA_PYTHON_CLIENT_PREALLOCATE"] == "false"
    assert shared["XLA_PYTHON_CLIENT_MEM_FRACTION"] == "0.4"
    assert shared["ARNN_SEARCH_GPU_MEMORY_LIMIT_MB"] == str(int(0.4 * 80 * 1024))
    for request in ({"slots_per_device": 3}, {"workers": 3}):
        with pytest.raises(ConfigurationError, match=r"`gpu_memory` at most 0\.33, or 'growth'"):
            _slots(gpu_memory="0.4", **request)


def test_plan_says_why(machine):
    machine(gpus=[0], cores=4)
    assert _plan().reasons[0] == "Every GPU that can be seen: 0 (H100, 80 GB)."
    machine(cores=4, free_gigabytes=5)
    assert _plan().reasons == (
        "No NVIDIA GPU can be seen: on the CPU.",
        "2 at a time: 5 GB of free memory, 2 GB for each.",
        "4 CPU cores shared by 2: 2 threads each.",
    )


def test_ray_slots_take_gpus_in_groups_or_parts():
    def asked(gpus, **request):
        plan = plan_ray_slots(DeviceRequest(**request), {"GPU": float(gpus), "CPU": 16.0})
        return [slot.gpus for slot in plan.slots]

    assert asked(3) == [1, 1, 1]
    assert asked(5, gpus_per_trial=2) == [2, 2]
    assert asked(1, slots_per_device=2) == [0.5, 0.5]
    assert asked(0, workers=2) == [0, 0]
    with pytest.raises(ConfigurationError, match="leave `slots_per_device` or `gpus_per_trial` away"):
        asked(4, gpus_per_trial=2, slots_per_device=2)
    with pytest.raises(ConfigurationError, match="the Ray cluster has 1 GPUs"):
        asked(1, gpus_per_trial=2)


def test_real_machine_has_a_slot():
    assert _slots()[0].threads >= 1
