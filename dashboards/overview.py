"""Overview: how far the study has come, what is best so far, and where the time went.

The best score so far over trials and over time, the leaderboard, how the trials ended and why, and which
trial ran when and where.
"""

import pandas
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from arnn_search import figures

_LEADERS = 10


def render(study):
    if study.trials.empty:
        return figures.words("No trial has started yet. This page fills as trials report.", title=study.name)
    return [progress(study), leaderboard(study), endings(study), timeline(study)]


def progress(study):
    title = f"Best {study.metric} so far"
    scored = study.trials[study.trials["score"].notna()]
    if scored.empty:
        return figures.words(f"No trial has reported {study.metric} yet.", title=title)
    figure = make_subplots(cols=2, shared_yaxes=True, horizontal_spacing=0.04)
    start = study.trials["started"].min()
    ended = scored["ended"].fillna(scored["started"])
    minutes = (ended - start).dt.total_seconds() / 60
    for column, x in ((1, pandas.Series(scored.index, index=scored.index)), (2, minutes)):
        _add_points(figure, study, scored, x, column=column)
        _add_best(figure, study, x, column=column)
    figures.style(
        figure,
        title=title,
        caption=f"Each point is a trial, at its best epoch; the line is the best completed one so far "
        f"({study.direction} {study.metric}).",
    )
    figure.update_xaxes(title_text="trial", col=1)
    figure.update_xaxes(title_text="minutes since the study began", col=2)
    figure.update_yaxes(title_text=study.metric, col=1)
    return figure


def _add_points(figure, study, scored, x, *, column):
    for number, (state, colour) in enumerate(figures.STATE_COLOURS.items()):
        rows = scored[scored["state"] == state]
        if rows.empty:
            continue
        figure.add_trace(
            go.Scatter(
                x=x[rows.index],
                y=rows["score"],
                name=state,
                mode="markers",
                text=[study.title(trial) for trial in rows.index],
                hovertemplate="%{text}<br>%{y:.4f}<extra></extra>",
                marker={"color": colour, "size": 8, "symbol": figures.SYMBOLS[number]},
                legendgroup=state,
                showlegend=column == 1,
            ),
            row=1,
            col=column,
        )


def _add_best(figure, study, x, *, column):
    completed = study.completed
    if completed.empty:
        return
    order = x[completed.index].sort_values(kind="stable")
    scores = completed["score"][order.index]
    best = scores.cummax() if study.direction == "maximize" else scores.cummin()
    figure.add_trace(
        go.Scatter(
            x=order,
            y=best,
            name="best so far",
            mode="lines",
            line={"shape": "hv", "color": figures.BLACK, "width": 2},
            legendgroup="best",
            showlegend=column == 1,
            hovertemplate="best %{y:.4f}<extra></extra>",
        ),
        row=1,
        col=column,
    )


def leaderboard(study):
    title = "Leaderboard"
    if study.completed.empty:
        return figures.words("No trial has completed yet.", title=title)
    rows = []
    for rank, (number, trial) in enumerate(study.completed.head(_LEADERS).iterrows(), start=1):
        rows.append(
            [
                str(rank),
                str(number),
                f"{trial['score']:.4f}",
                _number(trial.get("metric.health/score"), ".2f"),
                trial["family"] or "-",
                _text(trial.get("param.activation")),
                _text(trial.get("param.limit_mode")),
                _number(trial["num_weights"], ",.0f"),
                str(int(trial["num_epochs"])),
                _number(trial["seconds"], ".0f"),
            ]
        )
    columns = [
        "",
        "trial",
        study.metric,
        "health",
        "family",
        "activation",
        "limit",
        "weights",
        "epochs",
        "seconds",
    ]
    return figures.table(
        columns,
        rows,
        title=title,
        caption=f"The {len(rows)} best of {len(study.completed)} completed trials.",
    )


def endings(study):
    counts = study.trials.groupby(["state", "reason"], dropna=False).size().sort_values()
    labels = [
        f"{state}: {figures.shortened(reason)}" if reason and reason != state else state
        for state, reason in counts.index
    ]
    figure = go.Figure(
        go.Bar(
            x=counts.to_numpy(),
            y=labels,
            orientation="h",
            text=counts.to_numpy(),
            textposition="auto",
            marker={"color": [figures.STATE_COLOURS.get(s, figures.GREY) for s, _ in counts.index]},
            hovertemplate="%{y}: %{x}<extra></extra>",
        )
    )
    figures.style(figure, title="How trials ended, and why", height=120 + 34 * len(counts))
    return figures.count_axis(figure, largest=int(counts.max()), title="trials")


def timeline(study):
    title = "When and where trials ran"
    timed = study.trials[study.trials["started"].notna()]
    if timed.empty:
        return figures.words("No trial has a start time.", title=title)
    now = max(timed["ended"].max(), timed["started"].max())
    ended = timed["ended"].fillna(now)
    devices = timed["device"].replace("", "unknown")
    figure = go.Figure()
    for state, colour in figures.STATE_COLOURS.items():
        rows = timed[timed["state"] == state]
        if rows.empty:
            continue
        figure.add_trace(
            go.Bar(
                base=rows["started"],
                x=(ended[rows.index] - rows["started"]).dt.total_seconds() * 1000,
                y=devices[rows.index],
                orientation="h",
                name=state,
                text=[str(number) for number in rows.index],
                customdata=[study.title(number) for number in rows.index],
                textposition="inside",
                insidetextanchor="middle",
                marker={"color": colour, "line": {"color": "white", "width": 1}},
                hovertemplate="%{customdata}<br>%{base|%H:%M:%S} to %{x|%H:%M:%S}<extra></extra>",
            )
        )
    figures.style(
        figure,
        title=title,
        caption="One row per slot; a bar is a trial, from its start to its end (UTC).",
        height=150 + 42 * devices.nunique(),
    )
    figure.update_layout(barmode="overlay", uniformtext={"minsize": 9, "mode": "hide"})
    figure.update_xaxes(type="date", title_text="time (UTC)")
    figure.update_yaxes(type="category", categoryorder="category descending")
    return figure


def _number(value, form):
    return "-" if value is None or pandas.isna(value) else format(value, form)


def _text(value):
    return value if isinstance(value, str) else "-"
