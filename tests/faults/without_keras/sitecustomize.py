"""Runs before everything else in each process of a study under test, which finds this folder on its path.

Faults happen to processes, files and machines: none of it needs a framework, which takes seconds to load. In
the place of the few modules that would load one stand those of `stand_ins`; all else is the real thing.
"""

import importlib.util
import os
import sys
from importlib.abc import MetaPathFinder
from pathlib import Path

_HERE = Path(__file__).parent
_STAND_INS = {path.name.removesuffix(".py"): path for path in (_HERE / "stand_ins").glob("*.py")}


class _Finder(MetaPathFinder):
    def find_spec(self, fullname, path, target=None):
        if fullname in ("tensorflow", "keras_tuner", "keras"):
            return importlib.util.spec_from_file_location(fullname, _HERE / "nothing.py")
        if fullname in _STAND_INS:
            return importlib.util.spec_from_file_location(fullname, _STAND_INS[fullname])
        return None


if "ARNN_FAULTS" in os.environ:
    sys.meta_path.insert(0, _Finder())
    import injections

    injections.install(Path(os.environ["ARNN_FAULTS"]))
    if "arnn_search.tracking.remote" in sys.orig_argv:
        injections.refuse_while_offline(Path(os.environ["ARNN_FAULTS"]) / "offline")
