"""Data from a folder of images, one subfolder per class."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from arnn_search.data.raw import Array, RawData
from arnn_search.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

IMAGE_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")

_GREY_MODES = frozenset({"1", "L", "LA"})


def list_images(folder: Path) -> dict[str, list[Path]]:
    """The image files of each class, both in the order of their names.

    Raises:
        DataError: There are no subfolders, or one holds no image.
    """
    subfolders = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not subfolders:
        raise DataError(f"{folder} has no subfolders: wanted is one subfolder of images per class.")
    found = {}
    for subfolder in subfolders:
        images = sorted(
            path
            for path in subfolder.iterdir()
            if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file() and not path.name.startswith(".")
        )
        if not images:
            raise DataError(
                f"The class {subfolder.name!r} is empty, {subfolder} holds no image: wanted is one subfolder "
                f"of images ({', '.join(IMAGE_SUFFIXES)}) per class."
            )
        found[subfolder.name] = images
    return found


def load_folder(folder: Path) -> RawData:
    """Read a folder with one subfolder of images per class; the subfolders' names are the classes.

    All grey images give one channel, `(samples, height, width, 1)`; if any has colour, all give three.

    Raises:
        DataError: A class is empty, an image is damaged or has more than 8 bits, or sizes differ.
    """
    classes = list_images(folder)
    paths = [path for images in classes.values() for path in images]
    labels = np.repeat(np.arange(len(classes)), [len(images) for images in classes.values()])
    first = read_image(paths[0])
    # Decoded once, in colour: whether all are grey is known only after the last one.
    pixels = np.empty((len(paths), *first.shape[:2], 3), dtype=np.uint8)
    has_colour = False
    for index, path in enumerate(paths):
        image = read_image(path)
        if image.shape[:2] != first.shape[:2]:
            raise DataError(
                f"Images differ in size: {paths[0]} is {_size(first)} and {path} is {_size(image)} (width x "
                "height); resize them to one size."
            )
        has_colour = has_colour or image.shape[2] == 3
        pixels[index] = image
    x = pixels if has_colour else pixels[..., :1].copy()
    return RawData(x, labels, "classification", tuple(classes))


def read_image(path: Path) -> Array:
    """Decode one image upright to bytes `(height, width, 1)` if it is grey, else `(height, width, 3)`.

    Raises:
        DataError: The file is damaged, or has more than 8 bits per channel.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as opened:
            image: Image.Image = ImageOps.exif_transpose(opened)
            if image.mode[0] in "IF":
                raise DataError(
                    f"The image {path} has more than 8 bits per channel (mode {image.mode}): store it "
                    "with 8, or all of them as arrays in a .npz file."
                )
            pixels = np.asarray(_convert(image), dtype=np.uint8)
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"The image {path} is damaged ({error}): replace it or take it out.") from error
    return pixels[..., np.newaxis] if pixels.ndim == 2 else pixels


def _convert(image: "Image") -> "Image":
    if image.mode in _GREY_MODES:
        return image.convert("L")
    # Pillow warns when a palette with transparency goes to RGB in one step.
    return image.convert("RGBA").convert("RGB") if image.mode in ("P", "PA") else image.convert("RGB")


def _size(image: Array) -> str:
    return f"{image.shape[1]}x{image.shape[0]}"
