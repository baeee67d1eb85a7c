"""Small sources that many tests of this room share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def save_npz(tmp_path: Path) -> Callable[..., str]:
    def save(**arrays: Any) -> str:
        path = tmp_path / "arrays.npz"
        np.savez(path, **arrays)
        return str(path)

    return save


@pytest.fixture
def save_images(tmp_path: Path) -> Callable[..., Path]:
    """Write images of random pixels: `save_images(cat=[(8, 6), ...], dog=[...])`, sizes as width, height."""

    def save(mode: str = "L", **classes: list[tuple[int, int]]) -> Path:
        random = np.random.default_rng(0)
        for name, sizes in classes.items():
            folder = tmp_path / "images" / name
            folder.mkdir(parents=True)
            for index, (width, height) in enumerate(sizes):
                shape = (height, width) if mode == "L" else (height, width, 3)
                pixels = random.integers(0, 256, shape, dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{index}.png")
        return tmp_path / "images"

    return save
