"""How much memory this process has held."""

import resource
import sys


def peak_memory_bytes() -> int:
    """The most resident memory that this process has had at any time."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
