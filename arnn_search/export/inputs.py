"""Reading what a model is to be tried on: images, `.npz` files and tables."""

from pathlib import Path
from typing import Any

import numpy as np

from arnn_search.data import DataSpec
from arnn_search.data.folders import IMAGE_SUFFIXES, read_image
from arnn_search.errors import DataError

_GREY = np.array([0.299, 0.587, 0.114])


def read_inputs(path: Path, spec: DataSpec, *, resize: bool = False) -> tuple[list[str], Any]:
    """Reads one file, or every image in a folder.

    Args:
        path: an image, an `.npz` with `x` (or a single array), a CSV or Parquet table, or a folder.
        spec: what the model was trained on.
        resize: whether images of another size are brought to the model's.

    Returns:
        A name for each sample, and the samples: an array, or a frame for a table.

    Raises:
        DataError: it cannot be read, or does not fit.
    """
    if path.is_dir():
        images = sorted(one for one in path.rglob("*") if one.suffix.lower() in IMAGE_SUFFIXES)
        if not images:
            raise DataError(f"The folder {path} holds no image ({', '.join(IMAGE_SUFFIXES)}).")
        arrays = [_image(one, spec, resize=resize) for one in images]
        return [str(one) for one in images], np.stack(arrays)
    if not path.is_file():
        raise DataError(f"There is no file {path}.")
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return [str(path)], _image(path, spec, resize=resize)[np.newaxis]
    if path.suffix == ".npz":
        samples: Any = _arrays(path)
    elif path.name.endswith((".csv", ".csv.gz", ".parquet")):
        samples = _table(path, spec)
    else:
        raise DataError(f"{path} is of no known kind: give an image, an .npz, a .csv or a .parquet file.")
    return [f"{path}:{row}" for row in range(len(samples))], samples


def unseen_categories(spec: DataSpec, samples: Any) -> str:
    """Texts that training never saw, which the model takes for none of its categories; in words."""
    columns, strange = list(spec.scaling.get("columns", ())), []
    for name, known in spec.scaling.get("categories", {}).items():
        values = samples[name] if hasattr(samples, "columns") else samples[:, columns.index(name)]
        unknown = sorted({str(value) for value in values} - set(known))
        if unknown:
            strange.append(f"{name}: {', '.join(unknown[:5])}{' and others' if len(unknown) > 5 else ''}")
    return f"Not among the categories of training: {'; '.join(strange)}." if strange else ""


def _image(path: Path, spec: DataSpec, *, resize: bool) -> np.ndarray:
    if len(spec.input_shape) != 3 or spec.input_shape[2] not in (1, 3):
        shape = " x ".join(map(str, spec.input_shape))
        raise DataError(f"{path} is an image; this model takes samples of shape {shape}.")
    height, width, channels = spec.input_shape
    pixels = read_image(path)
    if pixels.shape[2] == 1 and channels == 3:
        pixels = np.repeat(pixels, 3, axis=2)
    elif pixels.shape[2] == 3 and channels == 1:
        pixels = np.rint(pixels @ _GREY)[..., np.newaxis].astype(np.uint8)
    if pixels.shape[:2] == (height, width):
        return pixels
    if not resize:
        raise DataError(
            f"{path} is {pixels.shape[1]}x{pixels.shape[0]}, and this model takes {width}x{height} (width x "
            "height): resize it, or give --resize."
        )
    from PIL import Image

    image = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
    return np.asarray(image.resize((width, height))).reshape(height, width, channels)


def _arrays(path: Path) -> np.ndarray:
    try:
        with np.load(path, allow_pickle=False) as archive:
            names = list(archive)
            if "x" not in names and len(names) != 1:
                raise DataError(f"{path} holds {', '.join(names) or 'nothing'}: wanted is an array x.")
            found: np.ndarray = archive["x" if "x" in names else names[0]]
    except (OSError, ValueError, EOFError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path} cannot be read: {error}.") from error
    return found


def _table(path: Path, spec: DataSpec) -> Any:
    import pandas as pd

    texts = {name: str for name in spec.scaling.get("categories", {})}
    try:
        frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, dtype=texts)
    except (ValueError, OSError, EOFError) as error:
        raise DataError(f"{path} cannot be read as a table: {' '.join(str(error).split())}.") from error
    frame.columns = [str(name) for name in frame.columns]
    wanted = [name for name in spec.scaling.get("columns", ()) if name in frame.columns]
    empty = frame[wanted].isna() if wanted else frame.isna()
    if empty.to_numpy().any():
        column = next(name for name in empty.columns if empty[name].any())
        row = int(empty[column].to_numpy().argmax()) + 1
        raise DataError(
            f"Column {column} in {path} is empty in data row {row}: fill it or leave the row out."
        )
    return frame
