"""Rotated recurrences are the stock ones on rotated weights, whatever they are asked for."""

import keras
import numpy as np
import pytest

from arnn_search import layers
from tests.layers import recurrent_reference
from tests.layers.conformance import RECURRENCES
from tests.layers.row import outputs_of, values
from tests.layers.test_fold import assert_folds, trained_look

CELLS = {
    "AutoRotSimpleRNN": (layers.AutoRotSimpleRNNCell, recurrent_reference.simple_rnn),
    "AutoRotLSTM": (layers.AutoRotLSTMCell, recurrent_reference.lstm),
    "AutoRotGRU": (layers.AutoRotGRUCell, recurrent_reference.gru),
}
for_each_row = pytest.mark.parametrize("row", RECURRENCES, ids=lambda row: row.name)

SEQUENCES = np.random.default_rng(4).uniform(-1, 1, (2, 5, 3)).astype("float32")


def pair(row, **arguments):
    """A rotating layer, and the stock one with its rotated weights."""
    arguments = {"units": 4, "activation": "tanh"} | arguments
    layer = row.layer(**arguments, value_range=(-1, 1), learn_limit=True)
    layer(SEQUENCES)
    generator = np.random.default_rng(0)
    for weight in layer.cell.weights:
        weight.assign(generator.normal(0.1, 0.5, size=weight.shape))
    stock = row.parent(**arguments)
    stock(SEQUENCES)
    stock.cell.set_weights(layer.folded_weights())
    for one in (layer, stock):
        one.reset_state()
    return layer, stock


def assert_same(one, two):
    for mine, yours in zip(keras.tree.flatten(one), keras.tree.flatten(two), strict=True):
        mine, yours = (keras.ops.convert_to_numpy(value) for value in (mine, yours))
        np.testing.assert_allclose(mine, yours, atol=2e-6)


@for_each_row
@pytest.mark.parametrize(
    "arguments",
    [
        {"return_state": True},
        {"return_sequences": True, "return_state": True, "go_backwards": True},
        {"unroll": True, "return_sequences": True},
        {"recurrent_activation": "hard_sigmoid"},
        {"use_cudnn": False},
        {"use_bias": False, "kernel_initializer": "ones"},
    ],
    ids=str,
)
def test_layer_is_the_stock_one_on_rotated_weights(row, arguments):
    if row.parent is keras.layers.SimpleRNN:
        arguments = {
            key: value for key, value in arguments.items() if key not in ("recurrent_activation", "use_cudnn")
        }
    layer, stock = pair(row, **arguments)
    assert_same(layer(SEQUENCES), stock(SEQUENCES))


@for_each_row
@pytest.mark.parametrize("unroll", [False, True])
def test_masked_steps_are_skipped(row, unroll):
    mask = np.array([[True, True, False, True, False], [False, True, True, True, True]])
    layer, stock = pair(row, return_sequences=True, unroll=unroll)
    outputs = layer(SEQUENCES, mask=mask)
    assert_same(outputs, stock(SEQUENCES, mask=mask))
    reference = CELLS[row.name][1](layer, cell_values(layer), SEQUENCES.astype("float64"), mask)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(outputs), reference, atol=1e-5)


@for_each_row
def test_state_is_kept_between_batches_if_it_should(row):
    layer, stock = pair(row, stateful=True)
    for _ in range(3):
        assert_same(layer(SEQUENCES), stock(SEQUENCES))
    first = outputs_of(layer, SEQUENCES)
    layer.reset_state()
    assert not np.allclose(first, outputs_of(layer, SEQUENCES), atol=1e-4)


@for_each_row
def test_state_can_be_given(row):
    layer, stock = pair(row)
    states = [np.full((2, 4), 0.3, "float32") for _ in layer.state_size]
    assert_same(layer(SEQUENCES, initial_state=states), stock(SEQUENCES, initial_state=states))


@for_each_row
@pytest.mark.parametrize("rates", [(0.4, 0.0), (0.0, 0.4), (0.3, 0.3)])
def test_dropout_draws_what_the_stock_layer_draws(row, rates):
    layer, stock = pair(row, dropout=rates[0], recurrent_dropout=rates[1], seed=7)
    for _ in range(2):
        assert_same(layer(SEQUENCES, training=True), stock(SEQUENCES, training=True))
    assert_same(layer(SEQUENCES), stock(SEQUENCES))


@for_each_row
@pytest.mark.parametrize(
    "arguments", [{}, {"dropout": 0.2, "recurrent_dropout": 0.2}, {"unroll": True}], ids=str
)
def test_weights_are_rotated_once_for_a_sequence(row, arguments, monkeypatch):
    layer, _ = pair(row, **arguments)
    cell = CELLS[row.name][0](4, value_range=(-1, 1))
    under_rnn = keras.layers.RNN(cell)
    stacked = keras.layers.RNN([cell, CELLS[row.name][0](4)])
    under_rnn(SEQUENCES)
    stacked(SEQUENCES)
    calls = []
    rho = layers.AutoRotLSTMCell.rho
    monkeypatch.setattr(row.layer.cell_class, "rho", lambda self: calls.append(self) or rho(self))
    for recurrence, num_cells in ((layer, 1), (under_rnn, 1), (stacked, 2)):
        calls.clear()
        recurrence(SEQUENCES, training=True)
        assert len(calls) == num_cells


@for_each_row
def test_rotated_weights_are_forgotten_after_a_call(row):
    layer, _ = pair(row)
    before = outputs_of(layer, SEQUENCES)
    layer.cell.weights[0].assign(layer.cell.weights[0] * 2)
    after = outputs_of(layer, SEQUENCES)
    assert not np.allclose(before, after, atol=1e-3)
    with pytest.raises(Exception, match=r"(?s).+"):  # each backend has its own
        layer(SEQUENCES, initial_state=[np.zeros((2, 9), "float32") for _ in layer.state_size])
    layer.cell.weights[0].assign(layer.cell.weights[0] / 2)
    np.testing.assert_allclose(outputs_of(layer, SEQUENCES), before, atol=1e-6)


@for_each_row
def test_whoever_reads_the_cells_weights_reads_rotated_ones(row):
    # Keras hands them to a fused bidirectional recurrence past the layer itself.
    layer, _ = pair(row)
    read = [layer.cell.kernel, layer.cell.recurrent_kernel, layer.cell.bias]
    for mine, folded in zip(read, layer.folded_weights(), strict=True):
        np.testing.assert_allclose(keras.ops.convert_to_numpy(mine), folded, rtol=1e-6)


def cell_values(layer):
    return {key: value for key, value in values(layer).items() if key != "rnn_state"}


@for_each_row
def test_one_step_of_a_cell_by_itself(row):
    cell = CELLS[row.name][0](4, value_range=(-1, 1))
    states = [np.zeros((2, 4), "float32") for _ in keras.tree.flatten(cell.state_size)]
    outputs, _ = cell(SEQUENCES[:, 0], states)
    layer = keras.layers.RNN(cell)
    assert_same(outputs, layer(SEQUENCES[:, :1]))


@for_each_row
def test_bidirectional_is_both_directions(row):
    layer = keras.layers.Bidirectional(row.layer(4, return_sequences=True, value_range=(-1, 1)))
    outputs = outputs_of(layer, SEQUENCES)
    x = SEQUENCES.astype("float64")
    reference = CELLS[row.name][1]
    forward = reference(layer.forward_layer, values(layer.forward_layer), x)
    backward = reference(layer.backward_layer, values(layer.backward_layer), x)[:, ::-1]
    np.testing.assert_allclose(outputs, np.concatenate([forward, backward], -1), atol=1e-5)


@for_each_row
def test_time_distributed_is_each_time_by_itself(row):
    clips = np.random.default_rng(1).uniform(-1, 1, (2, 3, 5, 3)).astype("float32")
    layer = row.layer(4, value_range=(-1, 1))
    outputs = outputs_of(keras.layers.TimeDistributed(layer), clips)
    for time in range(3):
        np.testing.assert_allclose(outputs[:, time], outputs_of(layer, clips[:, time]), atol=1e-6)


def test_limit_defaults_to_that_of_each_gates_activation():
    lstm = layers.AutoRotLSTM(2)
    lstm(SEQUENCES)
    assert keras.ops.convert_to_numpy(lstm.limit_values()).tolist() == [4, 4, 4, 4, 2, 2, 4, 4]
    gru = layers.AutoRotGRU(1, activation="relu", recurrent_activation="tanh", learn_limit=True)
    gru(SEQUENCES)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(gru.limit_values()), [2, 2, 1], rtol=1e-6)
    fixed = layers.AutoRotGRU(1, limit=3)
    fixed(SEQUENCES)
    assert keras.ops.convert_to_numpy(fixed.limit_values()).tolist() == [3, 3, 3]


def test_learnable_limits_are_one_for_each_gate_or_unit():
    for per_unit, num_limits in ((False, 4), (True, 12)):
        layer = layers.AutoRotLSTM(3, learn_limit=True, limit_per_unit=per_unit)
        layer(SEQUENCES)
        (limit,) = [weight for weight in layer.trainable_weights if weight.path.endswith("/limit")]
        assert limit.shape == (num_limits,)


def test_range_of_the_inputs_is_found_and_that_of_the_state_known():
    layer = layers.AutoRotLSTM(3)
    layer(keras.layers.Rescaling(2.0)(layers.Input((5, 3), value_range=(-1, 1))))
    assert layer.value_range == (-2, 2)
    assert layer.cell.state_reference == 3
    assert layers.AutoRotGRUCell(3, activation="sigmoid").state_reference == 2
    assert layers.AutoRotLSTMCell(3, recurrent_activation="tanh").state_range() == (-1, 1)


def recurrent_network():
    inputs = layers.Input((5, 3), value_range=(-1, 1))
    x = layers.AutoRotLSTM(4, return_sequences=True, learn_limit=True, recurrent_dropout=0.1)(inputs)
    x = keras.layers.Bidirectional(layers.AutoRotGRU(3, return_sequences=True, value_range=(-1, 1)))(x)
    cells = [layers.AutoRotSimpleRNNCell(3, limit_per_unit=True, learn_limit=True), keras.layers.LSTMCell(4)]
    x = keras.layers.RNN(cells, return_sequences=True)(x)
    x = keras.layers.TimeDistributed(layers.AutoRotDense(3, activation="tanh"))(x)
    x = layers.AutoRotSimpleRNN(3, reference_point=[1.0, 2.0, 3.0])(x)
    return trained_look(keras.Model(inputs, x))


def test_network_is_saved_and_loaded(tmp_path):
    model = recurrent_network()
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert np.array_equal(outputs_of(loaded, SEQUENCES), outputs_of(model, SEQUENCES))
    model.save_weights(tmp_path / "model.weights.h5")
    other = recurrent_network()
    other.load_weights(tmp_path / "model.weights.h5")
    assert np.array_equal(outputs_of(other, SEQUENCES), outputs_of(model, SEQUENCES))


def test_network_trains():
    model = recurrent_network()
    model.compile("adam", "mse")
    before = [np.array(weight) for weight in model.get_weights()]
    history = model.fit(SEQUENCES, np.zeros((2, 3)), epochs=3, verbose=0).history["loss"]
    assert np.isfinite(history).all()
    assert all(not np.array_equal(one, two) for one, two in zip(before, model.get_weights(), strict=True))


def test_wrapped_recurrences_fold():
    folded = assert_folds(recurrent_network(), SEQUENCES)
    inner = [folded.layers[2].forward_layer, folded.layers[2].backward_layer, folded.layers[4].layer]
    inner += [folded.layers[1].cell, *folded.layers[3].cell.cells]
    assert all(type(part).__module__.startswith("keras.") for part in inner)


def test_states_of_a_stateful_recurrence_fold_with_it():
    inputs = keras.Input(batch_shape=(2, 5, 3))
    model = keras.Model(inputs, layers.AutoRotGRU(3, stateful=True)(inputs))
    model(SEQUENCES)
    folded = layers.fold(model)
    np.testing.assert_allclose(outputs_of(folded, SEQUENCES), outputs_of(model, SEQUENCES), atol=1e-6)


@for_each_row
def test_cell_refuses_what_would_skip_the_rotation(row):
    with pytest.raises(ValueError, match=r"`limit` must be positive.*Received: 0"):
        CELLS[row.name][0](3, limit=0)
    with pytest.raises(ValueError, match=r"`value_range` must be \(low, high\).*Received: \(1, 0\)"):
        CELLS[row.name][0](3, value_range=(1, 0))
    with pytest.raises(ValueError, match="`reference_point` must have one component for each of the 3 input"):
        keras.layers.RNN(CELLS[row.name][0](3, reference_point=[1.0]))(SEQUENCES)


def test_default_limit_of_every_gate_must_lie_within_the_bounds():
    with pytest.raises(ValueError, match=r"`limit` must lie within `limit_bounds`.*Received: 2"):
        layers.AutoRotLSTM(3, learn_limit=True, limit_bounds=(3, 5))
