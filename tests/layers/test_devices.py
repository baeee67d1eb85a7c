"""Nothing is read back from the device while a layer is called: on a GPU each step would wait for it."""

import keras
import pytest

from tests.layers.conformance import NAMES, ROWS


@pytest.mark.only_on("torch")
@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_layer_is_called_where_there_are_no_numbers_to_read(row):
    for boundary in row.boundaries or (None,):
        place = {} if boundary is None else {"boundary": boundary}
        for point in row.points():
            layer, x = row.built(reference_point=point, learn_limit=True, **place)
            with keras.device("meta"):
                outputs = row.call(layer, keras.ops.ones(x.shape))
            assert outputs.is_meta
