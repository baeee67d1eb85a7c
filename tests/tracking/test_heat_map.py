import itertools
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from arnn_search.tracking.heat_map import MISSING_COLOUR, draw_gradients, heat_map


@pytest.mark.parametrize("num_layers", [1, 5, 60])
@pytest.mark.parametrize("num_epochs", [1, 100])
def test_every_layer_is_named_and_no_names_overlap(num_layers: int, num_epochs: int) -> None:
    rms = np.geomspace(1.0, 1e-4, num_layers)[np.newaxis] * np.ones((num_epochs, 1))
    names = [f"{number:02d}_conv2d" for number in range(num_layers)]
    figure = heat_map(rms, names, title="trial 3 · conv-classifier · ar_bn · val_accuracy 0.91")
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    labels = figure.axes[0].get_yticklabels()
    assert [label.get_text() for label in labels] == names
    boxes = [label.get_window_extent(canvas.get_renderer()) for label in labels]
    for upper, lower in itertools.pairwise(boxes):
        assert upper.y0 >= lower.y1
    assert all(box.x0 >= 0 for box in boxes)
    assert figure.axes[0].get_xlim() == (0.5, num_epochs + 0.5)


def test_values_without_a_logarithm_are_grey() -> None:
    figure = heat_map(np.array([[0.0, np.nan, np.inf, 1e-3]]), ["a", "b", "c", "d"], title="t")
    (image,) = figure.axes[0].get_images()
    colours = image.cmap(image.norm(image.get_array()))
    grey = np.array([int(MISSING_COLOUR[start : start + 2], 16) / 255 for start in (1, 3, 5)])
    assert np.allclose(colours[:3, 0, :3], grey)
    assert not np.allclose(colours[3, 0, :3], grey)


def test_odd_names_and_titles_are_drawn_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "gradients.npz"
    np.savez(path, gradient_rms=np.ones((2, 2)), layers=np.array(["$x_1", "层" * 50]), mean=np.zeros(3))
    draw_gradients(path, tmp_path / "gradients.png", title="$\\broken " * 60)
    with Image.open(tmp_path / "gradients.png") as picture:
        assert picture.width == 990


@pytest.mark.parametrize("arrays", [{"layers": ["a"]}, {"gradient_rms": np.ones((2, 1))}])
def test_missing_array_is_named(tmp_path: Path, arrays: dict[str, object]) -> None:
    np.savez(tmp_path / "gradients.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="is missing"):
        draw_gradients(tmp_path / "gradients.npz", tmp_path / "gradients.png", title="t")


@pytest.mark.parametrize("shape", [(0, 1), (3,), (2, 2)])
def test_shape_that_does_not_fit_is_named(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"shape \(epochs, layers\)"):
        heat_map(np.ones(shape), ["a"], title="t")
