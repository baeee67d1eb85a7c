"""What is said of a study when it ends: its test score, and words."""

from arnn_search.execution.executor import Executor
from arnn_search.studies.ledger import Ledger
from arnn_search.studies.study import Study, Trial
from arnn_search.studies.telling import milliseconds_now
from arnn_search.tracking import NullTracker, Tracker
from arnn_search.tracking.dashboards.background import DashboardPublisher

_SECONDS_TO_SEND = 30.0
_SECONDS_TO_BREAK_OFF = 5.0


def conclude(
    study: Study,
    ledger: Ledger,
    executor: Executor,
    tracker: Tracker | NullTracker,
    pages: DashboardPublisher,
    *,
    batch_size: int,
) -> str | None:
    """Scores the best trial on the test part, once, and closes MLflow's side.

    Returns:
        What did not reach MLflow, and which dashboards are broken, in words; None if all is well.
    """
    leaderboard = study.leaderboard
    if leaderboard and leaderboard[0].model is not None:
        _score_on_test(study, leaderboard[0], ledger, executor, batch_size=batch_size)
        test = study.attributes["test"]
        metrics = {f"test_{name}": value for name, value in test["metrics"].items()}
        # At the time and the step of the score, so that a study that is concluded again adds no point.
        tracker.log_metrics(None, metrics, test.get("after", 0), milliseconds=test.get("time"))
        tracker.set_tags(None, {"arnn.best_trial": leaderboard[0].number})
    tracker.set_note(summary_note(study))
    if len(study.objectives) > 1:
        front = {trial.number for trial in leaderboard}
        for trial in study.trials:
            if trial.state == "completed":
                tracker.set_tags(trial.number, {"arnn.pareto": "true" if trial.number in front else "false"})
    is_short = len(study.trials) < study.config.trials and not study.attributes.get("exhausted")
    unfinished = is_short or any(trial.state in ("running", "interrupted") for trial in study.trials)
    tracker.end_study("stopped" if unfinished else "completed")
    is_delivered = tracker.close(_SECONDS_TO_SEND)
    # Pages that lack what is still to be sent would be wrong; `sync` makes them when it has sent it.
    warnings = pages.finish() if is_delivered else []
    return " ".join(filter(None, [tracker.farewell(), *warnings])) or None


def break_off(tracker: Tracker | NullTracker) -> str | None:
    """Closes MLflow's side of a study that was asked to stop at once: its machine may end in seconds.

    Returns:
        What did not reach MLflow; None if all is well.
    """
    tracker.end_study("stopped")
    tracker.close(_SECONDS_TO_BREAK_OFF)
    return tracker.farewell()


def _score_on_test(study: Study, best: Trial, ledger: Ledger, executor: Executor, *, batch_size: int) -> None:
    recorded = study.attributes.get("test", {})
    if recorded.get("trial") == best.number and not recorded.get("error"):
        return  # the test part has told what it has to tell
    after = sum(trial.state.is_finished() for trial in ledger.trials())
    score = {"trial": best.number, "metrics": {}, "error": "", "after": after, "time": milliseconds_now()}
    try:
        score["metrics"] = executor.call(
            "arnn_search.trials.evaluate:evaluate_model", best.model, study.data_directory, "test", batch_size
        )
    except RuntimeError as error:  # a study that has its results must not end in this
        score["error"] = str(error)[:2000]
    ledger.set_attribute("test", score)


def summary_note(study: Study) -> str:
    """What the study found, in Markdown, from what is known here; the dashboards' note says more."""
    trials = study.trials
    counts = ", ".join(
        f"{sum(trial.state == state for trial in trials)} {state}"
        for state in dict.fromkeys(trial.state for trial in trials)
    )
    lines = [f"## {study.name}", "", f"{len(trials)} trials: {counts or 'none'}.", ""]
    leaderboard = study.leaderboard
    if leaderboard:
        best = leaderboard[0]
        lines.append(f"Best: trial {best.number} with {study.metric} = {best.value:.4f}.")
        test = study.attributes.get("test")
        if test and test["metrics"]:
            scores = ", ".join(f"{name} {value:.4f}" for name, value in test["metrics"].items())
            lines.append(f"On the test part, which no trial saw: {scores}.")
        lines += ["", f"| trial | family | {study.metric} | health | parameters |", "|---|---|---|---|---|"]
        lines += [
            f"| {trial.number} | {trial.family} | {trial.value:.4f} "
            f"| {trial.metrics.get('health/score', float('nan')):.2f} | {trial.num_parameters:,} |"
            for trial in leaderboard[:10]
        ]
    return "\n".join(lines)
