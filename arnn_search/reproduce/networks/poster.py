"""The network of the Auto-Rotating poster: (Conv2D, pooling) three times, then five small dense layers.

"Auto-Rotating Neural Networks" (Saromo-Mori, Valdenegro-Toro): batch normalisation stands between the
convolution and the pooling, and nowhere in the head. 32 filters, 'same' padding, Adam at 1e-3.
"""

import keras

from arnn_search import blocks


def build(hp, data):
    # Here and not by the trial's number: networks that are compared begin with the same weights.
    keras.utils.set_random_seed(hp.Int("seed", 0, 999))
    layer = blocks.layer_choice(hp, limit_factors=(1.0, 1.0), reference_points=("uniform",))
    inputs = x = blocks.image_inputs(data)
    for _ in range(3):
        x = layer.conv2d(x, 32, 3)
        x = keras.layers.MaxPooling2D(2, padding="same")(x)
    x = keras.layers.Flatten()(x)
    for _ in range(4):
        x = layer.without_normalisation.dense(x, 10)
    model = keras.Model(inputs, blocks.outputs(x, data))
    model.compile(keras.optimizers.Adam(1e-3), data.loss, metrics=data.metrics)
    return model
