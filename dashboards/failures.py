"""Failures: what ended trials before their time, grouped by reason, with the message of the latest one."""

import plotly.graph_objects as go

from arnn_search import figures

_MOST_TRIALS = 12


def render(study):
    failed = study.trials[study.trials["state"].isin(["failed", "infeasible"])]
    if failed.empty:
        text = "No trial has failed." if len(study.trials) else "No trial has started yet."
        return figures.words(text, title="Failures")
    groups = sorted(failed.groupby(["state", "reason"]), key=lambda group: -len(group[1]))
    return [counts(groups, len(study.trials)), messages(groups)]


def counts(groups, num_trials):
    labels = [figures.shortened(reason or "no reason given", 44) for (_, reason), _ in groups]
    numbers = [len(rows) for _, rows in groups]
    figure = go.Figure(
        go.Bar(
            x=numbers,
            y=labels,
            orientation="h",
            text=numbers,
            textposition="auto",
            marker={"color": [figures.STATE_COLOURS[state] for (state, _), _ in groups]},
            hovertemplate="%{y}: %{x}<extra></extra>",
        )
    )
    figures.style(
        figure,
        title="Failed trials by reason",
        caption=f"{sum(numbers)} of {num_trials} trials failed or could not be built.",
        height=130 + 34 * len(groups),
    )
    figure.update_yaxes(autorange="reversed")
    return figures.count_axis(figure, largest=max(numbers), title="trials")


def messages(groups):
    rows = []
    for (state, reason), trials in groups:
        numbers = [str(number) for number in trials.index]
        if len(numbers) > _MOST_TRIALS:
            numbers = [*numbers[:_MOST_TRIALS], f"and {len(numbers) - _MOST_TRIALS} more"]
        told = [message for message in trials["message"] if message]
        message = figures.shortened(told[-1], 400) if told else "no message"
        rows.append([state, reason or "-", ", ".join(numbers), message])
    return figures.table(
        ["state", "reason", "trials", "latest message"],
        rows,
        title="What they said",
    )
