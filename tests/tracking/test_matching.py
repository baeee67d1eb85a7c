"""Comparisons between trials that are otherwise alike."""

import math

import pytest

from arnn_search.tracking.matching import compare, score_gain
from arnn_search.tracking.study_view import StudyView


def _view(rows, epochs=(), **more):
    trials = [{"number": number, "state": "completed", **row} for number, row in enumerate(rows)]
    return StudyView.from_tables("night", trials, epochs=epochs, **more)


def _row(family, score, rate, activation="tanh", **more):
    return {
        "family": family,
        "score": score,
        "param.learning_rate": rate,
        "param.activation": activation,
        **more,
    }


def test_closest_trials_are_paired_and_each_once():
    view = _view(
        [
            _row("classic", 0.5, 1e-4),
            _row("classic", 0.7, 1e-2),
            _row("ar", 0.9, 9e-3),
            _row("ar", 0.6, 1.2e-4),
        ]
    )
    found = compare(view, "family", "ar", "classic")
    assert sorted(found.pairs) == [(2, 1), (3, 0)]
    assert found.mean == pytest.approx(0.15)
    assert found.verdict == "unclear"


def test_trials_that_are_not_alike_are_not_compared():
    view = _view(
        [_row("classic", 0.5, 1e-4), _row("ar", 0.9, 1e-2), _row("ar", 0.9, 1e-4, activation="relu")]
    )
    found = compare(view, "family", "ar", "classic")
    assert found.pairs == ()
    assert math.isnan(found.mean)
    assert found.interval is None


def test_trial_that_was_stopped_counts_at_the_last_epoch_that_both_reached():
    rows = [_row("classic", 0.9, 1e-3), _row("ar", 0.4, 1e-3, state="pruned")]
    epochs = [{"trial": 0, "epoch": e, "val_accuracy": v} for e, v in ((1, 0.2), (2, 0.3), (3, 0.9))]
    epochs += [{"trial": 1, "epoch": e, "val_accuracy": v} for e, v in ((1, 0.1), (2, 0.4))]
    found = compare(_view(rows, epochs), "family", "ar", "classic")
    assert found.gains == pytest.approx((0.1,))


def test_smaller_losses_are_gains():
    view = _view([_row("classic", 0.5, 1e-3), _row("ar", 0.2, 1e-3)], metric="val_loss", direction="minimize")
    assert compare(view, "family", "ar", "classic").gains == pytest.approx((0.3,))


def test_other_metrics_can_be_compared():
    epochs = [
        {"trial": t, "epoch": 1, "val_accuracy": 0.5, "health/score": h} for t, h in ((0, 0.4), (1, 0.9))
    ]
    view = _view([_row("classic", 0.5, 1e-3), _row("ar", 0.5, 1e-3)], epochs)
    gain = score_gain(view, "health/score", maximizes=True)
    assert compare(view, "family", "ar", "classic", gain=gain).gains == pytest.approx((0.5,))


def test_clear_gain_over_many_pairs_is_better():
    rows = [_row("classic", 0.5, 10**-e) for e in range(1, 6)]
    rows += [_row("ar", 0.7 + e / 1000, 10**-e) for e in range(1, 6)]
    assert compare(_view(rows), "family", "ar", "classic").verdict == "better"
