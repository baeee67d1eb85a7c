"""The network of the Auto-Rotating poster, with its choices open.

Three times (Conv2D, pooling) and five small dense layers: deep enough for a saturating activation to starve
the first layers of gradient. Family, activation, limit, reference point and boundary are explored; so are the
number of filters and the learning rate. The layout is that of "Auto-Rotating Neural Networks" (Saromo-Mori,
Valdenegro-Toro), where every layer has the same family.
"""

import keras

from arnn_search import blocks


def build(hp, data):
    layer = blocks.layer_choice(hp, boundaries=("padded", "interior"))
    filters = hp.Choice("filters", [8, 16, 32])
    inputs = x = blocks.image_inputs(data)
    for _ in range(3):
        x = layer.conv2d(x, filters, 3)
        x = keras.layers.MaxPooling2D(2, padding="same")(x)
    x = keras.layers.Flatten()(x)
    # The poster normalises after its convolutions only.
    head = layer.without_normalisation
    for _ in range(4):
        x = head.dense(x, 10)
    model = keras.Model(inputs, blocks.outputs(x, data))
    return blocks.compile_model(model, hp, data)
