"""A stack of dense layers for any data: depth, width, family, dropout, learning rate.

Images are flattened. The first choice for tables, and the shortest space to copy from.
"""

import keras

from arnn_search import blocks


def build(hp, data):
    layer = blocks.layer_choice(hp)
    units = hp.Int("units", 16, 256, step=2, sampling="log", default=64)
    dropout = hp.Float("dropout", 0.0, 0.4, step=0.1)
    inputs = x = blocks.inputs(data)
    if len(data.input_shape) > 1:
        x = keras.layers.Flatten()(x)
    for _ in range(hp.Int("depth", 1, 6, default=3)):
        x = layer.dense(x, units)
        if dropout:
            x = keras.layers.Dropout(dropout)(x)
    model = keras.Model(inputs, blocks.outputs(x, data))
    return blocks.compile_model(model, hp, data)
