"""Every layer equals its formula, written out in NumPy, for every combination of its arguments."""

import numpy as np
import pytest

from tests.layers.conformance import NAMES, ROWS, outputs_of, values


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_layer_equals_its_formula_for_every_combination(row):
    for number, variant in enumerate(row.variants()):
        layer, x = row.built(seed=number, **variant)
        expected = row.reference(layer, values(layer), x.astype("float64"))
        outputs = outputs_of(layer, x)
        assert outputs.shape == expected.shape, variant
        assert outputs.shape == tuple(layer.compute_output_shape(x.shape)), variant
        # Relative where z is large. It is very large only with ρ, where f(x_Q) is a small difference of large
        # numbers: its relative error in float32 grows as ρ does, and an unbounded activation shows it.
        size = np.maximum(np.abs(expected), 1.0)
        tolerance = 1e-5 * size * np.maximum(size / 5, 1.0)
        assert (np.abs(outputs - expected) <= tolerance).all(), variant


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_without_rotation_it_is_the_parent_exactly(row):
    for geometry in row.geometries:
        layer, x = row.built(auto_rotation=False, **geometry)
        config = {key: value for key, value in row.arguments.items()}
        parent = row.parent(**config | {"activation": "sigmoid"} | geometry)
        parent(x)
        parent.set_weights(layer.get_weights())
        assert np.array_equal(outputs_of(layer, x), outputs_of(parent, x))
