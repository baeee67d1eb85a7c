"""Wrong arguments are refused, by name and with what was received."""

import keras
import numpy as np
import pytest

from arnn_search import layers
from tests.layers.conformance import NAMES, ROWS

WRONG = [
    ({"limit": 0}, "`limit` must be positive.*Received: 0"),
    ({"limit": -2.5}, "`limit` must be positive.*Received: -2.5"),
    ({"limit": float("nan")}, "`limit` must be positive.*Received: nan"),
    ({"limit": float("inf")}, "`limit` must be positive.*Received: inf"),
    ({"limit": "four"}, "`limit` must be positive.*Received: 'four'"),
    ({"limit_per_unit": True}, "`limit_per_unit=True` needs `learn_limit=True`.*Received: learn_limit=False"),
    ({"limit_bounds": (1, 2)}, r"`limit_bounds` needs `learn_limit=True`.*Received: limit_bounds=\(1, 2\)"),
    (
        {"limit_bounds": (None, None), "learn_limit": True},
        r"`limit_bounds` must be \(low, high\).*Received: \(None, None\)",
    ),
    (
        {"limit_bounds": (None, -1), "learn_limit": True},
        r"`limit_bounds` must be \(low, high\).*Received: \(None, -1\)",
    ),
    (
        {"limit_bounds": (2, 1), "learn_limit": True},
        r"`limit_bounds` must be \(low, high\).*Received: \(2, 1\)",
    ),
    (
        {"limit_bounds": (0, 1), "learn_limit": True},
        r"`limit_bounds` must be \(low, high\).*Received: \(0, 1\)",
    ),
    ({"limit": 9, "limit_bounds": (1, 2), "learn_limit": True}, "`limit` must lie within.*Received: 9"),
    ({"limit_learning_rate_factor": 0}, "`limit_learning_rate_factor` must be positive.*Received: 0"),
    ({"reference_point": "corner"}, "`reference_point` must be 'uniform' or 'aligned'.*Received: 'corner'"),
    ({"reference_point": [[1.0]]}, "`reference_point` must be a vector.*Received"),
    ({"reference_point": [1.0, float("nan")]}, "`reference_point` must be a vector of finite.*nan"),
    ({"value_range": (1, 0)}, r"`value_range` must be \(low, high\).*Received: \(1, 0\)"),
    ({"value_range": (0, float("inf"))}, r"`value_range` must be \(low, high\).*Received: \(0, inf\)"),
    ({"value_range": 3}, r"`value_range` must be \(low, high\).*Received: 3"),
    ({"dtype": "int8_from_float32"}, "cannot be quantized.*int8"),
]


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_wrong_argument_is_refused(row):
    for arguments, message in WRONG:
        if isinstance(arguments.get("reference_point"), list) and "vector" not in row.kinds_of_points:
            message = r"`reference_point` of AutoRotation must be 'uniform'.*Received: \["
        with pytest.raises(ValueError, match=message):
            row.make(**arguments)


@pytest.mark.parametrize(
    "row", [row for row in ROWS if "vector" in row.kinds_of_points], ids=lambda row: row.name
)
def test_vector_of_the_wrong_length_is_refused(row):
    layer = row.make(reference_point=[1.0] * (row.features + 1))
    with pytest.raises(
        ValueError, match=f"`reference_point`.*{row.features} input.*Received: {row.features + 1}"
    ):
        row.call(layer, row.inputs(layer))


@pytest.mark.parametrize("row", [row for row in ROWS if row.boundaries], ids=lambda row: row.name)
def test_unknown_boundary_is_refused(row):
    with pytest.raises(ValueError, match=r"`boundary` must be one of padded, interior\. Received: 'reflect'"):
        row.make(boundary="reflect")


@pytest.mark.filterwarnings("ignore:Layer InputLayer does not have a `quantize`")
@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_quantization_is_refused_on_every_way_to_it(row):
    layer, x = row.built()
    model, layer = row.model(layer, x), row.rotating(layer)
    if hasattr(row.parent, "quantize") and row.parent.quantize is not keras.layers.Layer.quantize:
        with pytest.raises(ValueError, match="cannot be quantized"):
            model.quantize("int8")
    with pytest.raises(ValueError, match="cannot be quantized"):
        layer.quantize("int8")
    with pytest.raises(ValueError, match="cannot be quantized"):
        layer.dtype_policy = "int8_from_float32"


@pytest.mark.parametrize(
    "row",
    [row for row in ROWS if hasattr(row.parent, "enable_lora") and not row.is_around],
    ids=lambda row: row.name,
)
def test_lora_is_refused_on_every_way_to_it(row):
    layer, _ = row.built()
    with pytest.raises(ValueError, match="LoRA"):
        layer.enable_lora(2)
    with pytest.raises(ValueError, match="lora_rank"):
        row.make(lora_rank=2)


def test_response_of_a_padded_convolution_of_open_size_names_the_reason():
    inputs = keras.Input((None, None, 1))
    layer = layers.AutoRotConv2D(2, 3, padding="same")
    layer(inputs)
    with pytest.raises(ValueError, match="size of the input, which is open"):
        layer.rho()


def test_input_range_is_checked():
    with pytest.raises(ValueError, match="`value_range`"):
        layers.Input((3,), value_range=(2.0, -1.0))


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_without_rotation_nothing_is_refused(row):
    layer, x = row.built(auto_rotation=False)
    if hasattr(row.parent, "enable_lora"):
        (layer.layer if row.is_around else layer).enable_lora(2)
        assert np.isfinite(keras.ops.convert_to_numpy(layer(x))).all()
