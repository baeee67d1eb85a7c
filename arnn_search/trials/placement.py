"""What the process of a trial is told about its devices, through its environment.

So it is known before a framework loads, and on whichever machine the process starts.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

_DEVICE = "ARNN_SEARCH_DEVICE"
_REPLICAS = "ARNN_SEARCH_REPLICAS"
_MEMORY_SHARE = "ARNN_SEARCH_GPU_MEMORY_SHARE"
_MEMORY_LIMIT = "ARNN_SEARCH_GPU_MEMORY_LIMIT_MB"
_HOST_DEVICES = "--xla_force_host_platform_device_count="


@dataclass(frozen=True)
class Placement:
    """The devices of one trial.

    Attributes:
        device: what they are.
        replicas: over how many of them each batch is spread.
        memory_share: of each GPU's memory that the trial may take, in (0, 1]; None: as it needs it.
        memory_limit_mb: the same in MiB, if it is known how much a GPU has.
    """

    device: Literal["cpu", "gpu"] = "cpu"
    replicas: int = 1
    memory_share: float | None = None
    memory_limit_mb: int | None = None

    def environment(self) -> dict[str, str]:
        """The variables that say so: to this package, and to JAX, which takes its own only from there."""
        variables = {_DEVICE: self.device, _REPLICAS: str(self.replicas)}
        if self.device == "cpu":
            kept = [flag for flag in os.environ.get("XLA_FLAGS", "").split() if _HOST_DEVICES not in flag]
            if self.replicas > 1:
                variables["XLA_FLAGS"] = " ".join([*kept, f"{_HOST_DEVICES}{self.replicas}"])
        elif self.memory_share is None:
            variables["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
        else:
            variables["XLA_PYTHON_CLIENT_MEM_FRACTION"] = str(self.memory_share)
            variables[_MEMORY_SHARE] = str(self.memory_share)
            if self.memory_limit_mb is not None:
                variables[_MEMORY_LIMIT] = str(self.memory_limit_mb)
        return variables

    @classmethod
    def of_this_process(cls) -> "Placement":
        """What this process was told; one device if it was told nothing."""
        return cls.of(os.environ)

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Placement":
        """What a process with this environment is told."""
        share, limit = environment.get(_MEMORY_SHARE), environment.get(_MEMORY_LIMIT)
        return cls(
            device="gpu" if environment.get(_DEVICE) == "gpu" else "cpu",
            replicas=int(environment.get(_REPLICAS, "1")),
            memory_share=None if share is None else float(share),
            memory_limit_mb=None if limit is None else int(limit),
        )
