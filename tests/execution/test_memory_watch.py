"""Processes that take too much memory, without any framework in them."""

import subprocess
import sys
import time

import psutil
import pytest

from arnn_search.execution import memory_watch
from arnn_search.execution.free_memory import MemoryLeft, memory_left, num_kernel_kills
from arnn_search.execution.memory_watch import MemoryWatch

MEGABYTE = 1 << 20
PLENTY = MemoryLeft(total=64 << 30, available=32 << 30)
LEAK = "import time\nkept = []\nwhile True:\n    kept.append(bytearray(8 << 20)); time.sleep(0.02)"
IDLE = "import time\nkept = bytearray({megabytes} << 20)\nprint('there', flush=True)\ntime.sleep(600)"
PARENT = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', sys.argv[1]])"


@pytest.fixture
def start():
    started = []

    def start(program, *arguments):
        started.append(subprocess.Popen([sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def watching():
    watches = []

    def watching(*arguments, **keywords):
        watches.append(MemoryWatch(*arguments, **keywords))
        return watches[-1]

    yield watching
    for watch in watches:
        watch.close()


def test_process_that_leaks_is_ended_at_its_limit(start, watching):
    watch, leaking, idle = watching(150 * MEGABYTE), start(LEAK), start(IDLE.format(megabytes=1))
    for process in (leaking, idle):
        watch.add(process.pid)
    assert leaking.wait(60) == -9
    verdict, peak = watch.remove(leaking.pid)
    assert "trial_memory is 150 MB" in verdict
    assert 150 * MEGABYTE < peak < 600 * MEGABYTE
    assert idle.poll() is None
    assert watch.remove(idle.pid)[0] == ""


def test_memory_of_child_processes_counts_and_they_end_too(start, watching, monkeypatch):
    monkeypatch.setattr(memory_watch, "_LOOKS_BETWEEN_CENSUSES", 1)
    watch, parent = watching(150 * MEGABYTE), start(PARENT, LEAK)
    deadline = time.monotonic() + 60
    while not (children := psutil.Process(parent.pid).children()):
        assert time.monotonic() < deadline
    watch.add(parent.pid)
    assert parent.wait(60) == -9
    assert not psutil.wait_procs(children, timeout=20)[1]


def test_largest_is_ended_when_the_machine_runs_low_and_then_there_is_a_pause(start):
    left = [PLENTY]
    watch = MemoryWatch(None, left=lambda: left[0])
    small, large = start(IDLE.format(megabytes=1)), start(IDLE.format(megabytes=60))
    for process in (small, large):
        assert process.stdout.readline()
        watch._watched[process.pid] = memory_watch._Watched(psutil.Process(process.pid))
    watch.look()
    assert (small.poll(), large.poll()) == (None, None)
    left[0] = MemoryLeft(total=64 << 30, available=100 * MEGABYTE)
    watch.look()
    assert large.wait(20) == -9
    assert watch.remove(large.pid)[0].endswith(
        "the most of all, when the machine had 100 MB of 64.00 GB left."
    )
    watch.look()
    assert small.poll() is None
    for _ in range(memory_watch._LOOKS_TO_RECOVER):
        watch.look()
    assert small.wait(20) == -9


def test_memory_left_is_that_of_this_machine():
    left = memory_left()
    assert 0 < left.available <= left.total <= psutil.virtual_memory().total
    assert num_kernel_kills() >= 0


def test_limit_of_a_container_counts(tmp_path, monkeypatch):
    from arnn_search.execution import free_memory

    (tmp_path / "memory.max").write_text(f"{1 << 30}\n")
    (tmp_path / "memory.current").write_text(f"{900 << 20}\n")
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 104857600\n")
    (tmp_path / "memory.events").write_text("low 0\noom 5\noom_kill 3\n")
    monkeypatch.setattr(free_memory, "_memory_groups", lambda: (tmp_path,))
    assert memory_left() == MemoryLeft(total=1 << 30, available=(1024 - 800) << 20)
    assert num_kernel_kills() == 3
