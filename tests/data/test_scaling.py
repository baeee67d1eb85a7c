from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from arnn_search.data import DataSpec, RawData, apply_scaling, load_source, prepare, restore_targets
from arnn_search.data.scaling import fit_scaling, transform
from arnn_search.errors import DataError

Save = Callable[..., str]


def _scaled(x: np.ndarray, kind: str = "auto", rows: np.ndarray | None = None) -> np.ndarray:
    raw = RawData(x, np.zeros(len(x)), "regression")
    return transform(fit_scaling(raw, np.arange(len(x)) if rows is None else rows, kind), x)


def test_features_get_mean_zero_and_deviation_one() -> None:
    x = np.random.default_rng(0).normal(5, [1, 10, 100], (50, 3))
    scaled = _scaled(x)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(scaled.std(axis=0), 1, rtol=1e-6)


def test_series_are_scaled_by_feature_over_all_time_steps() -> None:
    scaled = _scaled(np.random.default_rng(0).normal(5, [1, 10], (50, 7, 2)))
    np.testing.assert_allclose(scaled.std(axis=(0, 1)), 1, rtol=1e-6)


def test_images_share_one_range_for_all_pixels() -> None:
    x = np.random.default_rng(0).integers(10, 200, (20, 4, 4, 3), dtype=np.uint8)
    x[..., 0] = 50
    scaled = _scaled(x)
    assert (scaled.min(), scaled.max()) == (0, 1)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled * (float(x.max()) - x.min()) + x.min(), x, rtol=1e-5)


def test_minmax_of_a_table_is_by_feature() -> None:
    scaled = _scaled(np.array([[0.0, 10.0], [1.0, 30.0], [2.0, 20.0]]), "minmax")
    np.testing.assert_allclose(scaled, [[0, 0], [0.5, 1], [1, 0.5]])


def test_none_only_changes_the_type() -> None:
    x = np.array([[1.0, 20.0], [3.0, 40.0]])
    scaled = _scaled(x, "none")
    assert scaled.dtype == np.float32
    np.testing.assert_array_equal(scaled, x)


@pytest.mark.parametrize("kind", ["standard", "minmax"])
def test_constant_feature_becomes_zero(kind: str) -> None:
    scaled = _scaled(np.array([[1.0, 7.0], [2.0, 7.0], [3.0, 7.0]]), kind)
    np.testing.assert_array_equal(scaled[:, 1], 0)


@pytest.mark.parametrize("kind", ["standard", "minmax"])
def test_only_the_given_rows_are_looked_at(kind: str) -> None:
    x = np.array([[1.0], [2.0], [3.0], [1000.0]])
    scaling = fit_scaling(RawData(x, np.zeros(4), "regression"), np.arange(3), kind)
    assert scaling["offset"] == [2.0 if kind == "standard" else 1.0]


TABLE = pd.DataFrame(
    {
        "size": np.arange(40.0),
        "colour": ["red", "blue", "green", "blue"] * 10,
        "weight": np.arange(40.0)[::-1],
        "kind": ["cat", "dog"] * 20,
    }
)


@pytest.fixture
def table_spec(tmp_path: Path, cache: Path) -> DataSpec:
    TABLE.to_csv(tmp_path / "table.csv", index=False)
    return prepare(str(tmp_path / "table.csv"), target="kind", cache_directory=cache).spec


def test_text_becomes_one_feature_per_category_where_the_column_stood(table_spec: DataSpec) -> None:
    assert table_spec.input_shape == (5,)
    assert table_spec.scaling["categories"] == {"colour": ["blue", "green", "red"]}
    scaled = apply_scaling(table_spec, np.array([[1.0, "red", 2.0], [3.0, "blue", 4.0]], dtype=object))
    assert scaled[:, 1:4].tolist() == [[0, 0, 1], [1, 0, 0]]
    assert scaled.dtype == np.float32


def test_unknown_text_becomes_zeros(table_spec: DataSpec) -> None:
    assert apply_scaling(table_spec, [[1.0, "violet", 2.0]])[0, 1:4].tolist() == [0, 0, 0]


def test_categories_come_from_the_training_rows_alone() -> None:
    x = np.array([[1.0, "a"], [2.0, "b"], [3.0, "c"]], dtype=object)
    raw = RawData(x, np.zeros(3), "regression", columns=("n", "t"), text_columns=("t",))
    scaling = fit_scaling(raw, np.arange(2), "auto")
    assert scaling["categories"] == {"t": ["a", "b"]}
    assert transform(scaling, x)[2, 1:].tolist() == [0, 0]


def test_frame_is_read_by_the_names_of_its_columns(table_spec: DataSpec) -> None:
    shuffled = TABLE[["kind", "weight", "colour", "size"]]
    expected = apply_scaling(table_spec, TABLE[["size", "colour", "weight"]].to_numpy())
    np.testing.assert_array_equal(apply_scaling(table_spec, shuffled), expected)
    with pytest.raises(DataError, match="The inputs lack the columns colour, weight of table"):
        apply_scaling(table_spec, TABLE[["size"]])


def test_raw_inputs_are_scaled_as_they_were_in_training(save_npz: Save, cache: Path) -> None:
    random = np.random.default_rng(0)
    x = random.integers(0, 256, (30, 5, 4), dtype=np.uint8)
    prepared = prepare(save_npz(x=x, y=np.arange(30) % 2), cache_directory=cache)
    scaled = apply_scaling(prepared.spec, x)
    parts = np.concatenate([prepared.train()[0], prepared.validation()[0], prepared.test()[0]])
    assert sorted(map(bytes, scaled)) == sorted(map(bytes, parts))


@pytest.mark.parametrize(
    ("raw_x", "message"),
    [
        (np.zeros((2, 4)), r"must have shape \(samples, 3\)\. Received: \(2, 4\)"),
        (np.float64(1), r"Received: \(\)"),
        ([["a", "red", "b"]], "must be numbers: could not convert string"),
    ],
)
def test_raw_inputs_that_do_not_fit(table_spec: DataSpec, raw_x: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        apply_scaling(table_spec, raw_x)


def test_predictions_return_to_the_units_of_the_data(cache: Path) -> None:
    prepared = prepare("diabetes", cache_directory=cache)
    targets = [
        restore_targets(prepared.spec, part()[1])
        for part in (prepared.train, prepared.validation, prepared.test)
    ]
    expected = np.sort(load_source("diabetes").y)
    np.testing.assert_allclose(np.sort(np.concatenate(targets)[:, 0]), expected, rtol=1e-5)


def test_class_predictions_stay_as_they_are(table_spec: DataSpec) -> None:
    scores = np.ones((2, 2))
    assert restore_targets(table_spec, scores) is scores
