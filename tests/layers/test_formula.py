"""Every layer equals its formula, written out in NumPy, for every combination of its arguments."""

import keras
import numpy as np
import pytest

from tests.layers.conformance import NAMES, ROWS
from tests.layers.row import outputs_of, values


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_layer_equals_its_formula_for_every_combination(row):
    for number, variant in enumerate(row.variants()):
        layer, x = row.built(seed=number, **variant)
        expected = row.expected(layer, values(layer), x)
        outputs = outputs_of(layer, x, call=row.call)
        assert outputs.shape == expected.shape, variant
        shape = layer.compute_output_shape(x.shape)
        assert all(size in (None, found) for size, found in zip(shape, outputs.shape, strict=True)), variant
        size = np.maximum(np.abs(expected), 1.0)
        if not (np.abs(outputs - expected) <= 1e-5 * size).all():
            assert (np.abs(outputs - expected) <= 1e-5 * size + rounding(row, layer, x, expected)).all(), (
                variant
            )


def rounding(row, layer, x, expected):
    """How far the formula itself moves when the weights do in their last digit of float32.

    It is far where f(x_Q) is a small difference of large numbers, and ρ is very large.
    """
    generator = np.random.default_rng(0)
    moves = []
    for _ in range(8):
        moved = {
            name: value * (1 + 2e-7 * generator.choice([-1, 1], size=value.shape))
            for name, value in values(layer).items()
        }
        moves.append(np.abs(row.expected(layer, moved, x) - expected))
    return 4 * np.max(moves, axis=0)


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_without_rotation_it_is_the_parent_exactly(row):
    for geometry in row.possible:
        layer, x = row.built(auto_rotation=False, **geometry)
        parent = row.stock(**geometry)
        row.call(parent, x)
        parent.set_weights(layer.get_weights())
        assert np.array_equal(outputs_of(layer, x, call=row.call), outputs_of(parent, x, call=row.call))


def test_table_is_put_through_all_of_it_where_the_backend_can():
    left_out = [row.name for row in ROWS if len(row.possible) < len(row.geometries)]
    # TensorFlow on processors has convolutions with the channels in front in part only.
    assert not left_out or keras.config.backend() == "tensorflow"
