import itertools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from arnn_search.tracking.heat_map import MISSING_COLOUR, WIDTH, draw_gradients, heat_map

GREY = tuple(int(MISSING_COLOUR[start : start + 2], 16) for start in (1, 3, 5))


@pytest.mark.parametrize("num_layers", [1, 5, 60])
@pytest.mark.parametrize("num_epochs", [1, 100])
def test_every_layer_is_named_and_no_names_overlap(num_layers: int, num_epochs: int) -> None:
    rms = np.geomspace(1.0, 1e-4, num_layers)[np.newaxis] * np.ones((num_epochs, 1))
    names = [f"{number:02d}_conv2d" for number in range(num_layers)]
    drawn = heat_map(rms, names, title="trial 3 · conv-classifier · ar_bn · val_accuracy 0.91")
    assert [label.text for label in drawn.names] == names
    for upper, lower in itertools.pairwise(label.box for label in drawn.names):
        assert upper[3] <= lower[1]
    assert all(label.box[0] >= 0 and label.box[2] < drawn.box[0] for label in drawn.names)
    assert list(drawn.epochs)[-1] == num_epochs
    picture = drawn.draw().convert("L")
    for label in (*drawn.names, *drawn.others):
        left, top, right, bottom = label.box
        assert left >= 0
        assert top >= 0
        assert right <= picture.width
        assert bottom <= picture.height
        darkest, _ = picture.crop((int(left), int(top), int(right) + 1, int(bottom) + 1)).getextrema()
        assert darkest < 128


def test_each_layer_and_epoch_has_its_place_and_its_colour() -> None:
    values = np.array([[1e-4, 1e-3, 1e-1], [1e-2, 0.0, np.nan]])
    drawn = heat_map(values, ["a", "b", "c"], title="t")
    assert drawn.limits == (-4, -1)
    picture, (left, top, right, bottom) = drawn.draw(), drawn.box
    colours = [
        [
            picture.getpixel(
                (left + (right - left) * (2 * epoch + 1) // 4, top + (bottom - top) * place // 6)
            )
            for epoch in (0, 1)
        ]
        for place in (1, 3, 5)
    ]
    assert np.array_equal(colours, drawn.cells)
    # Viridis from its dark end to its bright one.
    assert colours[0][0] == (68, 1, 84)
    assert colours[2][0] == (253, 231, 36)
    assert colours[1][1] == colours[2][1] == GREY
    assert picture.getpixel((right + 25, top + 1)) == pytest.approx((253, 231, 36), abs=5)


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([1e-4, 1e-1], ["-4.0", "-3.5", "-3.0", "-2.5", "-2.0", "-1.5", "-1.0"]),
        ([1.0, 1.0], ["-0.2", "-0.1", "0.0", "0.1", "0.2"]),
        ([1e-9, 1e8], ["-8", "-6", "-4", "-2", "0", "2", "4", "6", "8"]),
    ],
)
def test_values_beside_the_scale_are_round_and_where_they_belong(values, ticks) -> None:
    drawn = heat_map(np.array([values]), ["a", "b"], title="t")
    assert list(drawn.values) == [text.replace("-", "\N{MINUS SIGN}") for text in ticks]
    (low, high), (_, top, _, bottom) = drawn.limits, drawn.box
    for text, y in zip(ticks, drawn.values.values(), strict=True):
        value = low + (high - low) * (bottom - y) / (bottom - top)
        assert value == pytest.approx(float(text), abs=(high - low) / 100)


def test_without_any_logarithm_all_is_grey() -> None:
    drawn = heat_map(np.zeros((2, 2)), ["a", "b"], title="t")
    assert {tuple(cell) for row in drawn.cells.tolist() for cell in row} == {GREY}
    assert "grey: zero or not finite" in [label.text for label in drawn.others]


def test_odd_names_and_titles_are_drawn_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "gradients.npz"
    np.savez(path, gradient_rms=np.ones((2, 2)), layers=np.array(["$x_1", "层" * 50]), mean=np.zeros(3))
    draw_gradients(path, tmp_path / "gradients.png", title="$\\broken " * 60)
    with Image.open(tmp_path / "gradients.png") as picture:
        assert picture.width == WIDTH
    drawn = heat_map(np.ones((2, 2)), ["$x_1", "层" * 50], title="$\\broken " * 60)
    assert [label.text for label in drawn.names] == ["$x_1", "□" * 31 + "…"]
    assert all(label.box[2] <= WIDTH for label in drawn.others)


@pytest.mark.parametrize("arrays", [{"layers": ["a"]}, {"gradient_rms": np.ones((2, 1))}])
def test_missing_array_is_named(tmp_path: Path, arrays: dict[str, object]) -> None:
    np.savez(tmp_path / "gradients.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="is missing"):
        draw_gradients(tmp_path / "gradients.npz", tmp_path / "gradients.png", title="t")


@pytest.mark.parametrize("shape", [(0, 1), (3,), (2, 2)])
def test_shape_that_does_not_fit_is_named(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"shape \(epochs, layers\)"):
        heat_map(np.ones(shape), ["a"], title="t")
