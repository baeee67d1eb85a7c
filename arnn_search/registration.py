"""Making the layers known to Keras as soon as both are there.

Keras loads a saved model only if its classes are registered, which importing `arnn_search.layers` does. But
importing `arnn_search` must not import Keras, which takes seconds. So the layers are imported at once where
Keras is loaded already, and otherwise right after it is.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

_LAYERS = "arnn_search.layers"


def register_layers() -> None:
    """Imports the layers now, or with Keras."""
    if "keras" in sys.modules:
        import_module(_LAYERS)
    elif not any(isinstance(finder, _KerasFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _KerasFinder())


class _KerasFinder(MetaPathFinder):
    """Finds Keras as everybody else does, once, and has the layers imported behind it."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != "keras":
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _KerasLoader(spec.loader)
        return spec


class _KerasLoader(Loader):
    def __init__(self, own: Loader) -> None:
        self._own = own

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._own.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self._own
        self._own.exec_module(module)
        # Not where it is the layers that import Keras.
        if _LAYERS not in sys.modules:
            import_module(_LAYERS)
