"""A search space: a file's `build(hp, data)`, checked, and ready for our studies or for somebody's own."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arnn_search.errors import SpaceError
from arnn_search.spaces.discovery import SpaceFile, find_space

if TYPE_CHECKING:
    import keras
    import keras_tuner

    from arnn_search.data import DataSpec, PreparedData
    from arnn_search.spaces.objective import Objective


@dataclass(frozen=True)
class SearchSpace:
    """A loaded search space.

    Attributes:
        declaration: the file it comes from, its name, description and text.
        build_function: the file's `build`, unchecked.
    """

    declaration: SpaceFile
    build_function: Callable[[Any, Any], Any]

    @property
    def name(self) -> str:
        """How the space is addressed."""
        return self.declaration.name

    def build(self, hp: "keras_tuner.HyperParameters", data: "DataSpec") -> "keras.Model":
        """Builds one architecture, and checks that it fits the data.

        Args:
            hp: any `keras_tuner.HyperParameters`.
            data: what the model has to take in and to give out.

        Returns:
            A compiled `keras.Model`.

        Raises:
            SpaceError: `build` returned something else than a compiled Keras model whose input and output
                fit the data. What `build` itself raises passes through.
        """
        model = self.build_function(hp, data)
        check_model(model, data, where=f"{self.declaration.path}, build()")
        return model

    def hypermodel(self, data: "DataSpec | PreparedData") -> "keras_tuner.HyperModel":
        """The space as a `keras_tuner.HyperModel`, for any of KerasTuner's tuners."""
        from arnn_search.spaces.hypermodel import SpaceHyperModel

        spec: DataSpec = getattr(data, "spec", data)  # type: ignore[arg-type]
        return SpaceHyperModel(self, spec)

    def objective(self, data: "PreparedData", *, epochs: int = 5, batch_size: int = 128) -> "Objective":
        """The space as an objective for `optuna.Study.optimize`.

        Args:
            data: prepared data; trains on its training part, scores on its validation part.
            epochs: epochs per trial, at least 1; each reports to the study's pruner.
            batch_size: samples per training step, at least 1.
        """
        from arnn_search.spaces.objective import Objective

        return Objective(self, data, epochs=epochs, batch_size=batch_size)


def load_space(name_or_path: str | Path) -> SearchSpace:
    """Finds and loads a search space.

    Args:
        name_or_path: a name that `arnn-search spaces list` shows, or a path that ends in `.py`.

    Raises:
        UnknownNameError: there is no such space.
        SpaceError: the file cannot be loaded; names the file and the line.
    """
    return load_space_file(find_space(str(name_or_path)))


def load_space_file(declaration: SpaceFile) -> SearchSpace:
    """Loads a declared file under a private module name, so that it can shadow nothing."""
    module_name = f"_arnn_search_space_{declaration.path.stem}_{declaration.digest[:12]}"
    specification = spec_from_file_location(module_name, declaration.path)
    if specification is None or specification.loader is None:
        raise SpaceError(f"{declaration.path}: cannot be loaded as a Python file.")
    module = module_from_spec(specification)
    sys.modules[module_name] = module
    try:
        specification.loader.exec_module(module)
    except Exception as error:
        del sys.modules[module_name]
        raise SpaceError(describe_failure(error, declaration.path)) from error
    if not callable(getattr(module, "build", None)):
        raise SpaceError(f"{declaration.path}: `build` is not a function.")
    return SearchSpace(declaration, module.build)


def describe_failure(error: BaseException, path: Path) -> str:
    """One sentence on an exception out of a space: the file, the last line of it that ran, the error."""
    line = None
    traceback = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == str(path):
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    where = f"{path}, line {line}" if line else str(path)
    message = str(error).strip()
    return f"{where}: {type(error).__name__}: {message}" if message else f"{where}: {type(error).__name__}"


def check_model(model: Any, data: "DataSpec", *, where: str) -> None:
    """Raises SpaceError unless `model` is a compiled Keras model that fits the data."""
    import keras

    if not isinstance(model, keras.Model):
        raise SpaceError(f"{where} must return a keras.Model. Received: {model!r}.")
    if not getattr(model, "compiled", False):
        raise SpaceError(
            f"{where} returned a model that is not compiled. End with model.compile(...), or use "
            "arnn_search.blocks.compile_model(model, hp, data)."
        )
    batch_shape = (None, *data.input_shape)
    if not model.built:
        model.build(batch_shape)
    _check_shape(model, "input", data.input_shape, where=where)
    binary = data.task == "classification" and data.num_classes == 2
    outputs = getattr(model, "outputs", None)
    if outputs is not None and binary and len(outputs) == 1 and outputs[0].shape[-1] == 1:
        return  # one sigmoid unit is a fair way to tell two classes apart
    _check_shape(model, "output", (data.output_units,), where=where)


def _check_shape(model: Any, side: str, expected: tuple[int, ...], *, where: str) -> None:
    tensors = getattr(model, f"{side}s", None)
    if tensors is None:  # a subclassed model shows its shapes only when it runs
        return
    if len(tensors) != 1:
        raise SpaceError(f"{where}: the model must have one {side}. Received: {len(tensors)}.")
    shape = tuple(tensors[0].shape[1:])
    fits = len(shape) == len(expected) and all(
        size is None or size == wanted for size, wanted in zip(shape, expected, strict=True)
    )
    if not fits:
        raise SpaceError(
            f"{where}: the model's {side} shape {shape} does not fit the data, which needs {expected} "
            f"(data.input_shape, data.output_units)."
        )
