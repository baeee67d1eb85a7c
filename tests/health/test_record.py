import numpy as np
import pytest

from arnn_search.health import EpochGradients, HealthRecord


def _epoch(*mean, nonfinite=0):
    mean = np.array(mean, "float32")
    return EpochGradients(mean, mean * 2, steps=10, nonfinite_steps=nonfinite)


def test_metrics_carry_depth_and_layer():
    record = HealthRecord(("conv2d", "nested/dense"))
    metrics = record.add(
        _epoch(0.01, 1.0, nonfinite=1), saturation={"a": 0.25, "b": 0.75}, limits={"conv2d": 4.0}
    )
    assert metrics["gradient_rms/00_conv2d"] == pytest.approx(0.01)
    assert metrics["gradient_rms/01_nested.dense"] == 1
    assert metrics["limit/00_conv2d"] == 4
    assert metrics["health/vanishing_index"] == pytest.approx(-2)
    assert metrics["health/saturation"] == 0.5
    assert metrics["health/nonfinite_steps"] == 1
    assert 0 < metrics["health/score"] < 0.9


def test_file_holds_every_epoch_and_layer(tmp_path):
    record = HealthRecord(("a", "b"))
    record.add(_epoch(1.0, 2.0), saturation={"act": 0.5}, limits={})
    record.add(_epoch(3.0, 4.0), saturation={"act": 0.25}, limits={})
    record.save(tmp_path / "gradients.npz")
    with np.load(tmp_path / "gradients.npz") as stored:
        np.testing.assert_array_equal(stored["gradient_rms"], [[1, 2], [3, 4]])
        assert stored["layers"].tolist() == ["a", "b"]
        np.testing.assert_array_equal(stored["saturation"], [[0.5], [0.25]])
        assert stored["limit"].shape == (2, 0)
