"""The deep perceptron of the authors' notebook: dense layers of 50, 50, 40, 40 and 30 units, and the output.

"Auto-Rotating Perceptrons" (Saromo, Villota, Villanueva; arXiv:1910.02483). Adam at 1e-3. A regression's
output is linear and, like every output here, not rotated.
"""

import keras

from arnn_search import blocks

UNITS = (50, 50, 40, 40, 30)


def build(hp, data):
    # Here and not by the trial's number: networks that are compared begin with the same weights.
    keras.utils.set_random_seed(hp.Int("seed", 0, 999))
    layer = blocks.layer_choice(hp, limit_factors=(1.0, 1.0), reference_points=("uniform",))
    inputs = x = blocks.inputs(data)
    if len(data.input_shape) > 1:
        x = keras.layers.Flatten()(x)
    for units in UNITS:
        x = layer.dense(x, units)
    model = keras.Model(inputs, blocks.outputs(x, data))
    model.compile(keras.optimizers.Adam(1e-3), data.loss, metrics=data.metrics)
    return model
