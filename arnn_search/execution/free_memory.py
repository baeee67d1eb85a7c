"""How much memory this machine, or the container that it is, has left, and whether the kernel has ended any
process for want of it.
"""

import contextlib
import functools
from dataclasses import dataclass
from pathlib import Path

import psutil

_PROC, _GROUPS = Path("/proc"), Path("/sys/fs/cgroup")
_UNLIMITED = 1 << 60
"""What a control group without a limit gives as its limit is at least this."""


@dataclass(frozen=True)
class MemoryLeft:
    """Memory, in bytes.

    Attributes:
        total: that there is, or that may be used here.
        available: that could be had without swapping, page cache included.
    """

    total: int
    available: int


def memory_left() -> MemoryLeft:
    """The memory of the machine, or of this process' control group if that may use less."""
    machine = psutil.virtual_memory()
    left = MemoryLeft(machine.total, machine.available)
    for folder in _memory_groups():
        group = _left_in(folder)
        if group is not None and group.total < machine.total and group.available < left.available:
            left = group
    return left


def num_kernel_kills() -> int:
    """How many processes the kernel has ended for want of memory since it started; 0 where it does not say.

    On a machine of several containers it counts theirs too where the control group has no count of its own.
    """
    for folder in _memory_groups():
        for name in ("memory.events", "memory.oom_control"):
            if (count := _numbers(folder / name).get("oom_kill")) is not None:
                return count
    return _numbers(_PROC / "vmstat").get("oom_kill", 0)


@functools.cache
def _memory_groups() -> tuple[Path, ...]:
    """The folders of this process' control group and of those around it, the innermost first."""
    try:
        lines = (_PROC / "self" / "cgroup").read_text().splitlines()
    except OSError:
        return ()
    found: list[Path] = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        root = _GROUPS / "memory" if controllers else _GROUPS
        # Within a container the path may be that of the host, which shows only the root here.
        folder = root / path.strip("/")
        found += [one for one in (folder, *folder.parents) if one.is_relative_to(root) and one.is_dir()]
    return tuple(found)


def _left_in(folder: Path) -> MemoryLeft | None:
    """What a control group has left, if it has a limit; what it holds of the page cache can be had."""
    for limit, used, cache in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        with contextlib.suppress(OSError, ValueError):  # no such file, or "max"
            total = int((folder / limit).read_text())
            if total >= _UNLIMITED:
                return None
            in_use = int((folder / used).read_text()) - _numbers(folder / "memory.stat").get(cache, 0)
            return MemoryLeft(total, max(0, total - in_use))
    return None


def _numbers(path: Path) -> dict[str, int]:
    """The numbers of a file of lines `name number`; none if it cannot be read."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.split() for line in lines)
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}
