"""One recurrent layer of 32 units and the output: SimpleRNN, LSTM or GRU, classic or auto-rotating.

The poster names these layers among those that rotate, and publishes no figures of them. Adam at 1e-3.
"""

import keras

from arnn_search import blocks, layers

CELLS = {
    "simple_rnn": (keras.layers.SimpleRNN, layers.AutoRotSimpleRNN),
    "lstm": (keras.layers.LSTM, layers.AutoRotLSTM),
    "gru": (keras.layers.GRU, layers.AutoRotGRU),
}


def build(hp, data):
    seed = hp.Int("seed", 0, 999)
    # Here and not by the trial's number: networks that are compared begin with the same weights.
    keras.utils.set_random_seed(seed)
    classic, rotating = CELLS[hp.Choice("cell", list(CELLS))]
    inputs = blocks.inputs(data)
    if hp.Choice("family", ["classic", "ar"]) == "classic":
        x = classic(32)(inputs)
    else:
        x = rotating(32, learn_limit=hp.Choice("limit_mode", ["fixed", "learnable"]) == "learnable")(inputs)
    # A rotating cell draws more often than a classic one; the output is to begin with the same weights too.
    keras.utils.set_random_seed(seed + 1000)
    model = keras.Model(inputs, blocks.outputs(x, data))
    model.compile(keras.optimizers.Adam(1e-3), data.loss, metrics=data.metrics)
    return model
