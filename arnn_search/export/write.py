"""Writing the folded model; runs in a process that may load Keras."""

from pathlib import Path

import keras

from arnn_search import layers


def write_folded(source: Path, destination: Path) -> None:
    """Loads a trial's model, folds its auto-rotating layers, and writes it with its compilation."""
    model = keras.saving.load_model(source)
    folded = layers.fold(model)
    if not getattr(folded, "compiled", False):
        folded.compile_from_config(model.get_compile_config())
    folded.save(destination)
