import math

import numpy as np
import pytest

from arnn_search.tracking.names import (
    MAX_NAME_LENGTH,
    cut,
    split_metrics,
    valid_name,
    valid_names,
    valid_texts,
)


@pytest.mark.parametrize("name", ["loss", "gradient_rms/03_conv2d", "health/score", "a b.c-d", "größe"])
def test_valid_name_is_kept(name: str) -> None:
    assert valid_name(name) == name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("units[0]", "units_0_"),
        ("/a//b/", "a/b"),
        ("../a/./b", "a/b"),
        ("a:b", "a_b"),
        ("", "_"),
        ("..", "_"),
        ("50 %\n", "50 __"),
    ],
)
def test_invalid_name_becomes_the_nearest_valid_one(name: str, expected: str) -> None:
    assert valid_name(name) == expected


def test_mlflow_takes_every_valid_name() -> None:
    from mlflow.utils.validation import _validate_metric_name

    for code in range(0x3000):
        _validate_metric_name(valid_name(f"a{chr(code)}/{chr(code)}"))


def test_long_names_stay_different() -> None:
    first, second = valid_name("x" * 300 + "1"), valid_name("x" * 300 + "2")
    assert first != second
    assert len(first) == MAX_NAME_LENGTH


def test_names_that_fall_together_are_numbered() -> None:
    assert valid_names(["a?", "a!", "a_"]) == {"a?": "a__2", "a!": "a__3", "a_": "a_"}


def test_cut_shows_that_it_cut() -> None:
    assert cut("x" * 6000, 6000) == "x" * 6000
    assert cut("x" * 6001, 6000) == "x" * 5999 + "…"


def test_texts_are_made_of_any_value() -> None:
    assert valid_texts({"a": None, "b": 1.5, "c": "x" * 20}, 10) == {
        "a": "None",
        "b": "1.5",
        "c": "x" * 9 + "…",
    }


def test_only_finite_numbers_become_points() -> None:
    finite, others = split_metrics(
        {"a": 1, "b": np.float32(0.5), "c": math.nan, "d": -math.inf, "e": None, "f": "x"}  # type: ignore[dict-item]
    )
    assert finite == {"a": 1.0, "b": 0.5}
    assert others == {"c": "nan", "d": "-inf", "e": "None", "f": "'x'"}
