"""Failures: what ended trials before their time, grouped by reason, with the message of the latest one.

Failed trials and those that could not be built come first; what was stopped early is counted below them.
"""

import numpy as np
import pandas
import plotly.graph_objects as go

from arnn_search import figures
from arnn_search.tracking.dashboards.findings import ending

_MOST_TRIALS = 12
_FIRST = ("failed", "infeasible")
_NORMAL = ("completed", "running", "interrupted")
_FEWEST_ALIKE = 3


def render(study):
    ended = study.trials[~study.trials["state"].isin(_NORMAL)]
    if ended.empty:
        text = "No trial has failed or was stopped." if len(study.trials) else "No trial has started yet."
        return figures.words(text, title="Failures")
    groups = sorted(
        ended.groupby(["state", "reason"]),
        key=lambda group: (group[0][0] not in _FIRST, -len(group[1])),
    )
    return [counts(study, groups), messages(study, groups)]


def counts(study, groups):
    labels = [ending(state, figures.shortened(reason)) for (state, reason), _ in groups]
    numbers = [len(rows) for _, rows in groups]
    looks = figures.look_of_states(state for (state, _), _ in groups)
    figure = go.Figure(
        go.Bar(
            x=numbers,
            y=labels,
            orientation="h",
            text=numbers,
            textposition="outside",
            cliponaxis=False,
            marker={"color": [looks[state][0] for (state, _), _ in groups]},
            hovertemplate="%{y}: %{x}<extra></extra>",
        )
    )
    figures.style(
        figure,
        title=_title(study, groups),
        caption="Failed and infeasible trials first, then those that were stopped early.",
        height=130 + 34 * len(groups),
    )
    figure.update_yaxes(autorange="reversed")
    return figures.count_axis(figure, largest=max(numbers), title="trials")


def _title(study, groups):
    failed = [(name, rows) for name, rows in groups if name[0] in _FIRST]
    if not failed:
        stopped = sum(len(rows) for _, rows in groups)
        return f"No trial failed; {stopped} of {len(study.trials)} were stopped early"
    number = sum(len(rows) for _, rows in failed)
    (state, reason), rows = failed[0]
    said = f"{number} of {len(study.trials)} trials failed or could not be built"
    return said + (
        f", {len(rows)} of them by one reason: {reason or state}"
        if len(failed) > 1
        else f": {reason or state}"
    )


def messages(study, groups):
    rows = []
    for (state, reason), trials in groups:
        numbers = [str(number) for number in trials.index]
        if len(numbers) > _MOST_TRIALS:
            numbers = [*numbers[:_MOST_TRIALS], f"and {len(numbers) - _MOST_TRIALS} more"]
        told = [message for message in trials["message"] if message]
        message = figures.shortened(told[-1], 400) if told else "no message"
        rows.append([state, reason or "-", ", ".join(numbers), message, _shared(study, trials)])
    return figures.table(
        ["state", "reason", "trials", "latest message", "what they share"],
        rows,
        title="What they said, and what they have in common",
        caption="Shared is a value, or a part of the range, that these trials have and most others have not.",
    )


def _shared(study, trials):
    """The parameter that sets these trials apart most, in words."""
    others = study.trials.drop(trials.index)
    if len(trials) < _FEWEST_ALIKE or len(others) < _FEWEST_ALIKE:
        return "-"
    best, said = 0.5, "-"
    for name in (name for name in study.trials if name.startswith("param.")):
        ours, theirs = trials[name].dropna(), others[name].dropna()
        if len(ours) < len(trials) or theirs.empty:
            continue
        for words, share, elsewhere in _claims(name.removeprefix("param."), ours, theirs):
            if share - elsewhere > best:
                best, said = share - elsewhere, f"{words} ({share:.0%}; others {elsewhere:.0%})"
    return said


def _claims(name, ours, theirs):
    """What could be said of some trials: words, of which share of them they are true, and of the others."""
    common = ours.mode().iloc[0]
    shown = f"{common:g}" if isinstance(common, float) else str(common)
    yield f"{name} = {shown}", (ours == common).mean(), (theirs == common).mean()
    numbers = pandas.to_numeric(pandas.concat([ours, theirs]), errors="coerce")
    if numbers.isna().any() or numbers.nunique() < 5:
        return
    low, high = np.min(ours), np.max(ours)
    yield f"{name} ≥ {low:.3g}", 1.0, (theirs >= low).mean()
    yield f"{name} ≤ {high:.3g}", 1.0, (theirs <= high).mean()
