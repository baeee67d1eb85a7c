"""Loads TensorFlow, but not Keras, which TensorFlow would load along; imported for the effect.

Keras loads TensorFlow on every backend when it is seeded, which takes seconds.
"""

import contextlib
import sys
from importlib import import_module

if "keras" not in sys.modules:
    sys.modules["keras"] = None  # type: ignore[assignment]  # as an import of it is refused
    try:
        with contextlib.suppress(ImportError):  # without it the other backends work, too
            import_module("tensorflow")
    finally:
        del sys.modules["keras"]
