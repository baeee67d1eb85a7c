import json
from dataclasses import FrozenInstanceError, replace

import pytest

from arnn_search.data import DataSpec

CLASSES = DataSpec(
    name="digits",
    task="classification",
    input_shape=(8, 8, 1),
    input_dtype="float32",
    num_classes=3,
    class_names=("a", "b", "c"),
    num_outputs=3,
    value_range=(0.0, 1.0),
    num_train=70,
    num_validation=15,
    num_test=15,
    scaling={"kind": "minmax", "offset": [0.0], "scale": [16.0], "columns": [], "categories": {}},
    content_hash="abc",
    source="digits",
)
QUANTITIES = replace(
    CLASSES,
    task="regression",
    num_classes=0,
    class_names=(),
    num_outputs=2,
    target_scaling={"mean": [1.0, 2.0], "scale": [3.0, 4.0]},
)


@pytest.mark.parametrize("spec", [CLASSES, QUANTITIES])
def test_survives_the_round_trip_through_json(spec: DataSpec) -> None:
    assert DataSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


def test_keys_of_a_later_version_are_left_out() -> None:
    assert DataSpec.from_dict({**CLASSES.to_dict(), "a_later_key": 1}) == CLASSES


def test_classification_tells_a_space_what_to_build() -> None:
    assert CLASSES.output_units == 3
    assert CLASSES.output_activation == "softmax"
    assert CLASSES.loss == "sparse_categorical_crossentropy"
    assert CLASSES.metrics == ["accuracy"]
    assert CLASSES.objective == (CLASSES.metric, CLASSES.direction) == ("val_accuracy", "maximize")


def test_regression_tells_a_space_what_to_build() -> None:
    assert QUANTITIES.output_units == 2
    assert QUANTITIES.output_activation == "linear"
    assert QUANTITIES.loss == "mean_squared_error"
    assert QUANTITIES.metrics == ["mean_absolute_error"]
    assert QUANTITIES.objective == ("val_loss", "minimize")


def test_summary_names_shape_range_classes_and_parts() -> None:
    summary = "8x8x1 float32 in [0, 1], 3 classes, 70 training / 15 validation / 15 test samples"
    assert CLASSES.shape_summary == summary
    assert "2 targets" in QUANTITIES.shape_summary
    assert "1 target," in replace(QUANTITIES, num_outputs=1).shape_summary


def test_is_frozen_and_hashable() -> None:
    with pytest.raises(FrozenInstanceError):
        CLASSES.name = "other"  # type: ignore[misc]
    assert hash(CLASSES) == hash(replace(CLASSES))
