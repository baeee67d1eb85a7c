"""Gradients flow through ρ: they equal numerical derivatives of the formula."""

import keras
import numpy as np
import pytest

from tests.layers.conformance import NAMES, ROWS
from tests.layers.differentiation import gradients, numerical_gradients
from tests.layers.row import name_of, values


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
@pytest.mark.parametrize("point", ["uniform", "aligned", "vector"])
def test_gradients_equal_numerical_differentiation(row, point):
    if point not in row.kinds_of_points:
        return
    point = row.points()[-1] if point == "vector" else point
    for boundary in row.boundaries or (None,):
        place = {} if boundary is None else {"boundary": boundary}
        for geometry in row.possible[-2:]:
            layer, x = row.built(
                reference_point=point,
                learn_limit=True,
                limit_per_unit=True,
                activation="tanh",
                **place,
                **geometry,
            )
            model = row.model(layer, x)
            shape = model.compute_output_shape(x.shape)
            weigh = np.random.default_rng(3).normal(size=shape).astype("float32")

            def weighed_sum(weights, layer=layer, x=x, weigh=weigh):
                return np.sum(weigh * row.expected(layer, weights, x))

            expected = numerical_gradients(weighed_sum, values(layer))
            for weight, found in zip(model.trainable_weights, gradients(model, x, weigh), strict=True):
                wanted = expected[name_of(weight)]
                np.testing.assert_allclose(found, wanted, rtol=2e-4, atol=2e-4 * np.abs(wanted).max())


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
@pytest.mark.parametrize(("optimizer", "learning_rate"), [("SGD", 1e-2), ("Adam", 1e-4)])
def test_learning_rate_factor_moves_the_limit_so_many_times_farther(row, optimizer, learning_rate):
    moved = []
    for factor in (1.0, 10.0):
        keras.utils.set_random_seed(0)
        layer = row.make(limit=4.0, learn_limit=True, limit_learning_rate_factor=factor)
        x = row.inputs(layer)
        model, rotating = row.model(layer, x), row.rotating(layer)
        before = keras.ops.convert_to_numpy(rotating.limit_values())
        assert before == pytest.approx(4.0)
        weigh = np.ones(model.compute_output_shape(x.shape), "float32")
        found = map(keras.ops.convert_to_tensor, gradients(model, x, weigh))
        getattr(keras.optimizers, optimizer)(learning_rate).apply(list(found), model.trainable_variables)
        moved.append(np.ravel(keras.ops.convert_to_numpy(rotating.limit_values()) - before))
    farthest = np.argmax(np.abs(moved[1]))  # where float32 has the most digits of it
    assert moved[1][farthest] / moved[0][farthest] == pytest.approx(10.0, rel=0.05)


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_limit_stays_positive_and_within_its_bounds(row):
    for bounds, least, most in (
        (None, 0.0, np.inf),
        ((2.0, 6.0), 2.0, 6.0),
        ((2.0, None), 2.0, np.inf),
        ((None, 6.0), 0.0, 6.0),
    ):
        layer, _ = row.built(learn_limit=True, limit=3.0, limit_bounds=bounds)
        weights = [weight for weight in layer.weights if name_of(weight).startswith("limit")]
        for extreme in (-1e4, 0.0, 1e4):
            for weight in weights:
                weight.assign(np.full(weight.shape, extreme))
            limits = keras.ops.convert_to_numpy(row.rotating(layer).limit_values())
            assert np.all(limits > 0)
            assert np.all((least <= limits) & (limits <= most))
