"""What to do next, from what a study has shown so far."""

from collections.abc import Iterator

import numpy as np

from arnn_search.tracking.leaderboard import num_rivals
from arnn_search.tracking.study_view import StudyView

_MANY_FAILURES = 0.2
_LATE = 0.75
_POOR_HEALTH = 0.5
# Of the best trials, so many must lie in the outer tenth of the range that was tried.
_AT_THE_EDGE = 0.6
_FEWEST = 10


def advice(view: StudyView) -> str:
    """One to three sentences with the commands that they call for; empty for a study that has not begun.

    Args:
        view: the study.
    """
    if view.trials.empty:
        return ""
    said = list(_sentences(view))
    return " ".join(said[:3])


def _sentences(view: StudyView) -> Iterator[str]:
    if view.state == "running":
        yield f"It is running: `arnn-search dashboard {view.name} --live` follows it."
    failed = view.trials[view.trials["state"] == "failed"]
    if len(failed) and len(failed) >= _MANY_FAILURES * len(view.trials):
        reason = failed["reason"].mode().iloc[0] or "no reason given"
        yield (
            f"See to the failures first: {len(failed)} of {len(view.trials)} trials failed, most with "
            f"{reason!r}; the failures dashboard has their messages."
        )
    if view.completed.empty:
        if not len(failed) and view.state != "running":
            yield "No trial completed: give them more epochs, a milder pruner, or wider limits."
        return
    yield from _more_trials(view)
    yield from _edges(view)
    yield from _health(view)
    yield from _rivals(view)
    if view.state != "running":
        best = int(view.leaderboard.index[0])
        how = "--pareto --out front" if len(view.objectives) > 1 else "--out best.keras"
        what = "the front" if len(view.objectives) > 1 else f"trial {best}"
        yield f"Take {what} away with `arnn-search export {view.name} {how}`."


def _more_trials(view: StudyView) -> Iterator[str]:
    told = view.parameters.get("trials", "")
    budget = int(told) if told.isdecimal() else len(view.trials)
    if view.state == "stopped" and len(view.trials) <= budget:
        yield f"It was stopped before its end: `arnn-search resume {view.name}` goes on."
    elif (
        view.state != "running"
        and len(view.objectives) == 1
        and len(view.completed) >= _FEWEST
        and view.leaderboard.index[0] >= _LATE * len(view.trials)
    ):
        yield (
            f"The best trial came late, so more may pay: `arnn-search resume {view.name} --trials "
            f"{2 * max(budget, len(view.trials))}`."
        )


def _edges(view: StudyView) -> Iterator[str]:
    """Parameters of which the best trials lie at one end of what was tried."""
    if len(view.objectives) > 1 or len(view.completed) < _FEWEST:
        return
    best = view.completed.head(max(5, len(view.completed) // 10))
    for name in (n for n in view.trials if n.startswith("param.")):
        values, chosen = view.trials[name].dropna(), best[name].dropna()
        if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
            continue
        if values.nunique() < 5 or len(chosen) < len(best):
            continue
        numbers, of_best = values.to_numpy(float), chosen.to_numpy(float)
        if numbers.min() > 0 and numbers.max() / numbers.min() >= 50:
            numbers, of_best = np.log(numbers), np.log(of_best)
        low, high = numbers.min(), numbers.max()
        places = (of_best - low) / (high - low)
        for end, share in (("lower", (places <= 0.1).mean()), ("upper", (places >= 0.9).mean())):
            if share >= _AT_THE_EDGE:
                yield (
                    f"Widen {name.removeprefix('param.')}: {share * len(best):.0f} of the {len(best)} best "
                    f"trials lie at the {end} end of what was tried."
                )
                return


def _health(view: StudyView) -> Iterator[str]:
    column = "metric.health/score"
    if column not in view.leaderboard:
        return
    score = view.leaderboard[column].iloc[0]
    if np.isfinite(score) and score < _POOR_HEALTH:
        yield (
            f"The gradients of the best trial are in poor health ({score:.2f}): a shallower network, another "
            "activation, rotation or batch normalisation may let its first layers learn."
        )


def _rivals(view: StudyView) -> Iterator[str]:
    rivals = num_rivals(view) if len(view.objectives) == 1 else 0
    if rivals and view.state != "running":
        yield (
            f"To tell the best from its {rivals} rival{'' if rivals == 1 else 's'}, train it from several "
            f"seeds: `arnn-search rerun {view.name} --refit --seeds 5`."
        )
