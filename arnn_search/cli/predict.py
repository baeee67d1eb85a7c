"""`predict`: trying an exported model on images, arrays and tables."""

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arnn_search.errors import DataError

if TYPE_CHECKING:
    import numpy as np

    from arnn_search.data import DataSpec

_MOST_PROBABILITIES = 3


def predict(
    model: Annotated[Path, typer.Argument(help="What `arnn-search export` wrote: a file or a folder.")],
    inputs: Annotated[list[Path], typer.Argument(help="Images, folders of images, .npz or .csv files.")],
    resize: Annotated[bool, typer.Option("--resize", help="Bring images to the model's size.")] = False,
    json_output: Annotated[
        bool, typer.Option("--json", help="Print one line of JSON for each sample.")
    ] = False,
) -> None:
    """Predict with an exported model: raw inputs in, class names and probabilities (or targets) out."""
    from arnn_search.export.inputs import read_inputs, unseen_categories
    from arnn_search.export.predictor import open_model

    for path in inputs:
        if not path.exists():  # before the model is opened, which takes seconds
            raise DataError(f"There is no file {path}.")
    with _silent_start():
        opened = open_model(model)
    read = [read_inputs(path, opened.spec, resize=resize) for path in inputs]
    width = max(len(name) for names, _ in read for name in ["", *names])
    for names, samples in read:
        for warning in (unseen_categories(opened.spec, samples), opened.strangeness(samples)):
            if warning:
                typer.secho(f"arnn-search: {warning}", fg="yellow", err=True)
        for name, outputs in zip(names, opened.predict(samples), strict=True):
            answer = _answer(opened.spec, outputs)
            if json_output:
                typer.echo(json.dumps({"input": name, **answer}))
            else:
                typer.echo(f"{name:<{width}}  {_text(answer)}")


@contextlib.contextmanager
def _silent_start() -> Iterator[None]:
    """Keeps what TensorFlow says of its own start, past Python, from the terminal; errors are exceptions."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _answer(spec: "DataSpec", outputs: "np.ndarray") -> dict[str, Any]:
    if spec.task == "regression":
        return {"prediction": [float(value) for value in outputs]}
    best = int(outputs.argmax())
    return {
        "class": spec.class_names[best],
        "probability": float(outputs[best]),
        "probabilities": {name: float(value) for name, value in zip(spec.class_names, outputs, strict=True)},
    }


def _text(answer: dict[str, Any]) -> str:
    if "prediction" in answer:
        return "  ".join(f"{value:.6g}" for value in answer["prediction"])
    ranked = sorted(answer["probabilities"].items(), key=lambda item: -item[1])[:_MOST_PROBABILITIES]
    likely = "  ".join(f"{name} {value:.4f}" for name, value in ranked)
    return f"{answer['class']}  ({likely})"
