"""A practical convolutional network: depth, width, kernel size, pooling, dropout, family, optimizer.

Every block is one or two convolutions and a pooling; width doubles from block to block. The pooled features
are flattened or averaged, dropped out and classified (or regressed, if the data say so).
"""

import keras

from arnn_search import blocks


def build(hp, data):
    layer = blocks.layer_choice(hp)
    width = hp.Choice("width", [8, 16, 32])
    kernel_size = hp.Choice("kernel_size", [3, 5])
    pool = {"max": keras.layers.MaxPooling2D, "average": keras.layers.AveragePooling2D}[
        hp.Choice("pooling", ["max", "average"])
    ]
    convolutions = hp.Int("convolutions_per_block", 1, 2)
    inputs = x = blocks.image_inputs(data)
    for block in range(hp.Int("blocks", 1, 3, default=2)):
        for _ in range(convolutions):
            x = layer.conv2d(x, width * 2**block, kernel_size)
        x = pool(2, padding="same")(x)
    head = hp.Choice("head", ["flatten", "global_average"])
    x = keras.layers.Flatten()(x) if head == "flatten" else keras.layers.GlobalAveragePooling2D()(x)
    dropout = hp.Float("dropout", 0.0, 0.5, step=0.1)
    if dropout:
        x = keras.layers.Dropout(dropout)(x)
    model = keras.Model(inputs, blocks.outputs(x, data))
    return blocks.compile_model(model, hp, data, optimizers=("adam", "rmsprop"), learning_rates=(3e-4, 1e-2))
