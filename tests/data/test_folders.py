from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from arnn_search.data import load_source
from arnn_search.data.folders import read_image
from arnn_search.errors import DataError

SaveImages = Callable[..., Path]


def test_classes_are_the_subfolders_in_the_order_of_their_names(save_images: SaveImages) -> None:
    folder = save_images(dog=[(6, 8)] * 3, cat=[(6, 8)] * 2)
    raw = load_source(str(folder))
    assert raw.class_names == ("cat", "dog")
    assert raw.y.tolist() == [0, 0, 1, 1, 1]
    assert raw.x.shape == (5, 8, 6, 1)
    np.testing.assert_array_equal(raw.x[2, ..., 0], np.asarray(Image.open(folder / "dog" / "0.png")))


def test_colour_has_three_channels(save_images: SaveImages) -> None:
    folder = save_images(mode="RGB", cat=[(6, 8)], dog=[(6, 8)])
    assert load_source(str(folder)).x.shape == (2, 8, 6, 3)


def test_one_image_in_colour_makes_all_colour(save_images: SaveImages) -> None:
    folder = save_images(cat=[(6, 8)], dog=[(6, 8)])
    Image.new("RGB", (6, 8), (10, 20, 30)).save(folder / "dog" / "1.png")
    raw = load_source(str(folder))
    assert raw.x[2, 0, 0].tolist() == [10, 20, 30]
    assert (raw.x[0] == raw.x[0, ..., :1]).all()


@pytest.mark.parametrize(
    ("mode", "channels"), [("1", 1), ("L", 1), ("LA", 1), ("P", 3), ("RGBA", 3), ("CMYK", 3)]
)
def test_modes_of_pillow(tmp_path: Path, mode: str, channels: int) -> None:
    path = tmp_path / ("image.tif" if mode == "CMYK" else "image.png")
    Image.new(mode, (4, 5)).save(path)
    assert read_image(path).shape == (5, 4, channels)


def test_palette_with_transparency_is_read_without_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    image = Image.new("P", (4, 5))
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.save(path, transparency=b"\x80\x40")
    assert read_image(path)[0, 0].tolist() == [255, 0, 0]


def test_photographs_are_turned_upright(tmp_path: Path) -> None:
    path = tmp_path / "image.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("L", (4, 8)).save(path, exif=exif)
    assert read_image(path).shape == (4, 8, 1)


def test_hidden_and_other_files_are_passed_over(save_images: SaveImages) -> None:
    folder = save_images(cat=[(6, 8)], dog=[(6, 8)])
    (folder / ".cache").mkdir()
    (folder / "cat" / ".hidden.png").touch()
    (folder / "cat" / "notes.txt").touch()
    assert len(load_source(str(folder)).x) == 2


def test_mixed_sizes_name_two_files(save_images: SaveImages) -> None:
    folder = save_images(cat=[(6, 8), (6, 8)], dog=[(6, 8), (7, 8)])
    with pytest.raises(DataError, match=r"cat/0\.png is 6x8 and .*dog/1\.png is 7x8"):
        load_source(str(folder))


@pytest.mark.parametrize("damage", [lambda content: content[:-60], lambda content: b"no image"])
def test_damaged_image_is_named(save_images: SaveImages, damage: Callable[[bytes], bytes]) -> None:
    folder = save_images(cat=[(16, 16)], dog=[(16, 16)] * 2)
    path = folder / "dog" / "1.png"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=r"dog/1\.png is damaged"):
        load_source(str(folder))


def test_deep_images_are_refused(save_images: SaveImages) -> None:
    folder = save_images(cat=[(6, 8)], dog=[(6, 8)])
    Image.fromarray(np.full((8, 6), 1000, np.uint16)).save(folder / "dog" / "0.png")
    with pytest.raises(DataError, match=r"dog/0\.png has more than 8 bits"):
        load_source(str(folder))


def test_class_without_images_is_named(save_images: SaveImages) -> None:
    folder = save_images(cat=[(6, 8)])
    (folder / "dog").mkdir()
    with pytest.raises(DataError, match=r"class 'dog' is empty"):
        load_source(str(folder))


def test_folder_without_classes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no subfolders: wanted is one subfolder of images per class"):
        load_source(str(tmp_path))
