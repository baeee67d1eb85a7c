"""What this space holds, in one line: it is shown by `arnn-search spaces list`.

Say here what is explored and why. The file must define `build(hp, data)`; everything else is yours.
"""

import keras

from arnn_search import blocks


def build(hp, data):
    # `hp` is a keras_tuner.HyperParameters: hp.Choice, hp.Int, hp.Float, hp.Boolean. Each call asks for one
    # value, under a name that you will meet again in MLflow.
    # `data` knows what has to fit: data.input_shape, data.num_classes, data.task, data.value_range.

    # Which kind of layer: classic, ar (auto-rotating), bn (batch-normalised), ar_bn. Also chooses the
    # activation and, for rotating layers, the limit L and the reference point.
    layer = blocks.layer_choice(hp, activations=("sigmoid", "tanh", "relu"))

    # The input knows the range of the data, which is all that rotating layers need to be told.
    inputs = x = blocks.inputs(data)
    if len(data.input_shape) > 1:
        x = keras.layers.Flatten()(x)

    # Plain Python decides what is asked for: with two layers, "units_2" is never asked.
    for index in range(hp.Int("depth", 1, 3)):
        x = layer.dense(x, hp.Int(f"units_{index}", 16, 128, step=16))

    # Any Keras layer may stand in between.
    dropout = hp.Float("dropout", 0.0, 0.5, step=0.1)
    if dropout:
        x = keras.layers.Dropout(dropout)(x)

    # The output layer, the loss and the metrics follow from the data; a limit does not belong on an output.
    model = keras.Model(inputs, blocks.outputs(x, data))
    return blocks.compile_model(model, hp, data, optimizers=("adam",), learning_rates=(1e-4, 1e-2))
