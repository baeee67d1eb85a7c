"""Overview: how far the study has come, what is best so far, and where the time went.

The best score so far over trials and over time, the leaders with their intervals, how trials ended and why,
and which trial ran when and where.
"""

import re

import numpy as np
import pandas
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from arnn_search import figures
from arnn_search.tracking.dashboards.findings import ending, lead

_LEADERS = 10


def render(study):
    if study.trials.empty:
        return figures.words("No trial has started yet. This page fills as trials report.", title=study.name)
    return [progress(study), leaders(study), endings(study), timeline(study)]


def progress(study):
    title = f"Best {study.metric} so far"
    scored = study.trials[study.trials["score"].notna()]
    if scored.empty:
        return figures.words(f"No trial has reported {study.metric} yet.", title=title)
    figure = make_subplots(cols=2, shared_yaxes=True, horizontal_spacing=0.04)
    start = study.trials["started"].min()
    minutes = (scored["ended"].fillna(scored["started"]) - start).dt.total_seconds() / 60
    for column, x in ((1, pandas.Series(scored.index, index=scored.index)), (2, minutes)):
        _add_points(figure, study, scored, x, column=column)
        _add_best(figure, study, x, column=column)
    if len(study.completed):
        best = study.completed.iloc[0]
        several = len(study.objectives) > 1
        what = f"best in {study.metric}, with" if several else f"best: {study.metric}"
        title = f"{study.title(best.name).capitalize()} is {what} {best['score']:.4f}"
        if np.isfinite(minutes[best.name]):
            title += f", found after {minutes[best.name]:.1f} of {minutes.max():.1f} minutes"
    figures.style(
        figure,
        title=title,
        caption="Each point is a trial, at its best epoch; the line is the best completed one so far "
        f"({study.direction} {study.metric}).",
        height=420,
    )
    figure.update_xaxes(title_text="trial", col=1)
    figure.update_xaxes(title_text="minutes since the study began", col=2)
    figure.update_yaxes(title_text=study.metric, col=1)
    return figure


def _add_points(figure, study, scored, x, *, column):
    for state, (colour, symbol) in figures.look_of_states(scored["state"]).items():
        rows = scored[scored["state"] == state]
        figure.add_trace(
            go.Scatter(
                x=x[rows.index],
                y=rows["score"],
                name=state,
                mode="markers",
                text=[_told(study, trial) for trial in rows.index],
                hovertemplate="%{text}<br>%{y:.4f}<extra></extra>",
                marker={"color": colour, "size": 8, "symbol": symbol},
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


def leaders(study):
    title = "Leaders"
    if study.leaderboard.empty:
        return figures.words("No trial has completed yet.", title=title)
    rows = study.leaderboard.head(_LEADERS)
    known = rows["low"].notna()
    upper, lower = rows["high"] - rows["score"], rows["score"] - rows["low"]
    figure = go.Figure(
        go.Scatter(
            x=rows["score"],
            y=[_place(study, number, row) for number, row in rows.iterrows()],
            mode="markers",
            error_x={
                "type": "data",
                "symmetric": False,
                "array": upper.fillna(0.0),
                "arrayminus": lower.fillna(0.0),
                "color": figures.GREY,
                "thickness": 2,
                "width": 0,
            }
            if known.any()
            else None,
            text=[_told(study, number) for number in rows.index],
            customdata=[_interval(row) for _, row in rows.iterrows()],
            hovertemplate="%{text}<br>%{x:.4f}%{customdata}<extra></extra>",
            marker={
                "color": [figures.FAMILY_COLOURS.get(family, figures.PURPLE) for family in rows["family"]],
                "size": 11,
                "line": {"color": "white", "width": 1},
            },
        )
    )
    for number, row in rows.iterrows():
        figure.add_annotation(
            x=1,
            xref="paper",
            xanchor="left",
            y=_place(study, number, row),
            text=f"{row['score']:.4f}{_interval(row)}",
            showarrow=False,
            font={"size": 12},
            xshift=10,
        )
    figures.style(
        figure,
        title=_lead(study) or title,
        caption=_what_bars_mean(study, rows),
        height=130 + 30 * len(rows),
        narrow={"margin": {"r": 72}, "annotations": _scores_alone(figure)},
    )
    figure.update_layout(margin={"r": 210 if known.any() else 90}, showlegend=False)
    figure.update_xaxes(title_text=study.metric, nticks=7)
    figure.update_yaxes(autorange="reversed", type="category", showgrid=True)
    return figure


def _scores_alone(figure):
    """Without the intervals, which the bars show."""
    return [
        note.to_plotly_json() | {"text": note.text.partition(" ")[0]} for note in figure.layout.annotations
    ]


def _lead(study):
    if len(study.objectives) > 1:
        names = ", ".join(one.metric for one in study.objectives)
        return f"{len(study.leaderboard)} trials are on the Pareto front of {names}"
    said = lead(study).removesuffix(".")
    return (
        f"{study.title(study.leaderboard.index[0]).capitalize()} is {said[:1].lower()}{said[1:]}"
        if said
        else ""
    )


def _what_bars_mean(study, rows):
    several = len(study.objectives) > 1
    which = (
        "the Pareto front" if several else f"the {len(rows)} best of {len(study.completed)} completed trials"
    )
    said = f"{which[:1].upper()}{which[1:]}, coloured by layer family."
    if several or rows["low"].isna().all():
        return said if several else f"{said} For intervals, repeat architectures (--duplicates repeat)."
    if (rows["repeats"] > 1).any():
        return f"{said} Points are means of repeats; bars are their 95 % intervals, none for a single trial."
    return f"{said} Bars are 95 % intervals of the accuracy, from the number of validation samples."


def _place(study, number, row):
    name = study.title(number)
    return f"{name} ({row['repeats']} repeats)" if row["repeats"] > 1 else name


def _interval(row):
    return f" ({row['low']:.3f} .. {row['high']:.3f})" if np.isfinite(row["low"]) else ""


def _told(study, number):
    """A trial in a few lines, for what appears under the pointer."""
    row = study.trials.loc[number]
    lines = [study.title(number)]
    health = row.get("metric.health/score", np.nan)
    lines += [f"health {health:.2f}"] if np.isfinite(health) else []
    lines += [f"{row['num_weights']:,.0f} weights"] if np.isfinite(row["num_weights"]) else []
    return "<br>".join([*lines, ending(row["state"], figures.shortened(row["reason"]))])


def endings(study):
    counts = study.trials.groupby(["state", "reason"], dropna=False).size().sort_values()
    labels = [ending(state, figures.shortened(reason or "")) for state, reason in counts.index]
    looks = figures.look_of_states(study.trials["state"])
    figure = go.Figure(
        go.Bar(
            x=counts.to_numpy(),
            y=labels,
            orientation="h",
            text=counts.to_numpy(),
            textposition="outside",
            cliponaxis=False,
            marker={"color": [looks[state][0] for state, _ in counts.index]},
            hovertemplate="%{y}: %{x}<extra></extra>",
        )
    )
    num_completed = int((study.trials["state"] == "completed").sum())
    title = f"{num_completed} of {len(study.trials)} trials completed"
    others = [(label, count) for label, count in zip(labels, counts, strict=True) if label not in _NORMAL]
    if others:
        label, count = others[-1]
        rest = sum(number for _, number in others) - count
        title += f"; {count} {label}" + (f", {rest} otherwise" if rest else "")
    figures.style(figure, title=title, caption="How trials ended, and why.", height=120 + 34 * len(counts))
    return figures.count_axis(figure, largest=int(counts.max()), title="trials")


_NORMAL = ("completed", "running")


def timeline(study):
    title = "When and where trials ran"
    timed = study.trials[study.trials["started"].notna()]
    if timed.empty:
        return figures.words("No trial has a start time.", title=title)
    now = max(timed["ended"].max(), timed["started"].max())
    ended = timed["ended"].fillna(now)
    devices = timed["device"].replace("", "unknown")
    seconds = (ended - timed["started"]).dt.total_seconds()
    whole = max((now - timed["started"].min()).total_seconds(), 1e-9)
    busy = (seconds.groupby(devices).sum() / whole).clip(upper=1.0)
    rows = {device: f"{device} ({busy[device]:.0%})" for device in sorted(busy.index, key=_natural)}
    figure = go.Figure()
    for state, (colour, _) in figures.look_of_states(timed["state"]).items():
        of_state = timed[timed["state"] == state]
        figure.add_trace(
            go.Bar(
                base=of_state["started"],
                x=seconds[of_state.index] * 1000,
                y=[rows[device] for device in devices[of_state.index]],
                orientation="h",
                name=state,
                text=[str(number) for number in of_state.index],
                customdata=[f"{_told(study, n)}<br>{seconds[n]:.1f} s" for n in of_state.index],
                textposition="inside",
                insidetextanchor="middle",
                textangle=0,
                marker={"color": colour, "line": {"color": "white", "width": 1}},
                hovertemplate="%{customdata}<br>%{base|%H:%M:%S} to %{x|%H:%M:%S}<extra></extra>",
            )
        )
    budget = study.parameters.get("trials", "")
    done = f"{len(study.trials)} of {budget} trials" if budget.isdecimal() else f"{len(study.trials)} trials"
    figures.style(
        figure,
        title=f"{done} in {whole / 60:.1f} minutes; {len(rows)} slot{'s' * (len(rows) > 1)} busy "
        f"{busy.mean():.0%} of the time",
        caption="One row for each slot, with its share of busy time; a bar is a trial, from its start to its "
        "end (UTC).",
        height=150 + 42 * len(rows),
    )
    figure.update_layout(barmode="overlay", uniformtext={"minsize": 9, "mode": "hide"})
    figure.update_xaxes(type="date", title_text="time (UTC)", nticks=8)
    figure.update_yaxes(type="category", categoryorder="array", categoryarray=list(rows.values())[::-1])
    return figure


def _natural(device):
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", device)]
