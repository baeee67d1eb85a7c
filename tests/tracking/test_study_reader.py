"""What dashboards and reports read back from MLflow."""

from arnn_search.tracking.study_reader import read_study


def test_what_is_measured_before_the_first_epoch_is_no_epoch(tracker, uri):
    tracker.start_trial(0, tags={"arnn.family": "ar"})
    tracker.log_metrics(0, {"initial_health/vanishing_index": -1.5}, 0)
    for epoch in (1, 2):
        tracker.log_metrics(0, {"val_accuracy": 0.4 * epoch}, epoch)
    tracker.end_trial(0, "completed", "all epochs")
    assert tracker.flush(120.0), tracker.last_error
    study = read_study(uri, "night")
    (trial,) = study.trials.to_dict("records")
    assert trial["num_epochs"] == 2
    assert trial["metric.initial_health/vanishing_index"] == -1.5
    assert study.epochs["epoch"].tolist() == [1, 2]
