"""Limits: where the limit L of auto-rotating layers belongs, and where training moves it.

A learnable L over the epochs, layer by layer, for any trials that learn it; and, where L is fixed, the score
that each value reached.
"""

import numpy as np
import pandas
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from arnn_search import figures
from arnn_search.selection import Option, SelectionSlot, selectable
from arnn_search.tracking.dashboards.findings import gain_text, limit_moves
from arnn_search.tracking.matching import compare

_MOST = 4
_MOST_LAYERS = 40
_MOST_OPTIONS = 300
_MODE = "param.limit_mode"


def render(study):
    limits = study.layers[study.layers["limit"].notna()]
    if limits.empty:
        return figures.words(
            "No trial has reported a limit L: none was built with auto-rotating layers, or none has ended an "
            "epoch.",
            title="Limits",
        )
    spread = limits.groupby(["trial", "layer"])["limit"].agg(np.ptp).groupby("trial").max()
    learns = {trial for trial, span in spread.items() if span > 1e-6}
    if _MODE in study.trials:
        learns |= set(study.trials.index[study.trials[_MODE] == "learnable"]) & set(limits["trial"])
    return [learned(study, limits, learns), fixed(study, limits, learns)]


def learned(study, limits, learns):
    ranked = [number for number in study.completed.index if number in learns]
    ordered = [*ranked, *sorted(learns - set(ranked))][:_MOST_OPTIONS]
    if not ordered:
        return figures.words(
            "No trial has a learnable limit; every L is fixed.", title="Learnable L over epochs"
        )
    num_slots = min(_MOST, len(ordered))
    figure = make_subplots(
        cols=num_slots, shared_yaxes=True, horizontal_spacing=0.03, subplot_titles=[" "] * num_slots
    )
    tables = {number: rows for number, rows in limits.groupby("trial") if number in learns}
    most_layers = min(_MOST_LAYERS, max(rows["depth"].nunique() for rows in tables.values()))
    deepest = int(max(rows["depth"].max() for rows in tables.values()))
    for column in range(1, num_slots + 1):
        for _ in range(most_layers):
            figure.add_trace(_line(), row=1, col=column)
    figure.add_trace(_depth_scale(deepest), row=1, col=1)
    moves = limit_moves(study)
    figures.style(
        figure,
        title=_learned_title(study, moves),
        caption="One line for each layer, coloured by its depth (0 is next to the input). L bounds the "
        "region in which the activation has a gradient worth mentioning.",
        height=430,
        subplot_width=170,
    )
    figure.update_layout(showlegend=False, margin={"t": 72})
    figure.update_annotations(font={"size": 12})
    figure.update_xaxes(title_text="epoch", nticks=7, tickformat="d")
    figure.update_yaxes(title_text="L", col=1)
    options = []
    for number in ordered:
        traces = [
            _content(layer, int(depth), deepest)
            for depth, layer in list(tables[number].groupby("depth"))[:most_layers]
        ]
        moved = f"<br>L x {moves[number]:.2f}" if number in moves else ""
        title = study.title(number).replace(" · ", "<br>", 1) + moved
        options.append(Option(str(number), _label(study, number), traces, title=title))
    slots = [
        SelectionSlot(list(range(place * most_layers, (place + 1) * most_layers)), annotation=place)
        for place in range(num_slots)
    ]
    presets = {"best trials": [str(number) for number in ordered[:_MOST]]}
    moving = sorted(set(moves) & set(ordered), key=lambda number: -abs(np.log(moves[number])))
    if len(ordered) > _MOST and len(moving) > 1:
        presets["moved most"] = [str(number) for number in moving[:_MOST]]
    return selectable(figure, options, slots, presets=presets, group="limits", whole=_axes(num_slots))


def _axes(num_slots):
    return [f"xaxis{place + 1 if place else ''}" for place in range(num_slots)]


def _label(study, number):
    score = study.trials.loc[number, "score"]
    return study.title(number) + (f" · {score:.4f}" if np.isfinite(score) else "")


def _learned_title(study, moves):
    said = "Learnable L hardly moved"
    if moves:
        middle = float(np.exp(np.median(np.abs(np.log(list(moves.values()))))))
        said = f"Learnable L moved by a factor of {middle:.2f} in the median trial"
    if _MODE in study.trials:
        found = compare(study, _MODE, "learnable", "fixed", ignoring={"param.limit_factor"})
        if found.interval is not None:
            how = {"better": "better than", "worse": "worse than", "unclear": "not clearly better than"}
            said += f"; it is {how[found.verdict]} a fixed one: {gain_text(found)}"
    return said


def _line():
    return go.Scatter(
        mode="lines+markers",
        hovertemplate="epoch %{x}: L = %{y:.3f}<extra>%{fullData.name}</extra>",
    )


def _content(layer, depth, deepest):
    return {
        "x": layer["epoch"].tolist(),
        "y": layer["limit"].round(4).tolist(),
        "name": f"{depth} {layer['layer'].iloc[0]}",
        "line": {"color": figures.on_scale(depth / max(deepest, 1))},
        "marker": {"symbol": figures.SYMBOLS[depth % len(figures.SYMBOLS)], "size": 6},
    }


def _depth_scale(deepest):
    step = max(1, -(-deepest // 8))
    bar = {"title": {"text": "depth", "side": "right"}, "thickness": 14, "tick0": 0, "dtick": step}
    marker = {"color": [0], "cmin": 0, "cmax": max(deepest, 1), "colorscale": figures.SCALE, "colorbar": bar}
    return go.Scatter(x=[None], y=[None], mode="markers", marker=marker, hoverinfo="skip")


def fixed(study, limits, learns):
    title = f"Fixed L against {study.metric}"
    means = limits[~limits["trial"].isin(learns)].groupby("trial")["limit"].mean()
    rows = study.trials[study.trials.index.isin(means.index) & study.trials["score"].notna()]
    rows = rows[rows["state"].isin(["completed", "pruned"])]
    if rows.empty:
        return figures.words("No trial with a fixed limit has a score yet.", title=title)
    name = "param.activation"
    activations = rows[name].fillna("unknown") if name in rows else pandas.Series("all", index=rows.index)
    figure = go.Figure()
    for place, activation in enumerate(sorted(activations.unique())):
        some = rows[activations == activation]
        symbol = figures.SYMBOLS[place % len(figures.SYMBOLS)]
        figure.add_trace(
            go.Scatter(
                x=means[some.index],
                y=some["score"],
                name=f"{activation} (n = {len(some)})",
                mode="markers",
                text=[f"{_label(study, number)} · {some['state'][number]}" for number in some.index],
                hovertemplate="%{text}<br>L = %{x:.3f}<extra></extra>",
                marker={
                    "color": figures.PALETTE[place % len(figures.PALETTE)],
                    "symbol": [symbol if s == "completed" else f"{symbol}-open" for s in some["state"]],
                    "size": 9,
                },
            )
        )
    figures.style(
        figure,
        title=_fixed_title(study, rows, means, activations) or title,
        caption="Each point is a trial at its best epoch: filled if it completed, open if it was stopped. "
        "L is the mean over its layers; what is usual depends on the activation.",
        height=420,
    )
    figure.update_layout(showlegend=True)
    figure.update_xaxes(title_text="L")
    figure.update_yaxes(title_text=study.metric)
    return figure


def _fixed_title(study, rows, means, activations):
    """Where the best fixed limits lie, for the activation that was tried most."""
    activation = activations.value_counts().index[0]
    some = rows[activations == activation]
    if len(some) < _MOST:
        return ""
    best = some["score"].sort_values(ascending=study.direction == "minimize").index[: max(3, len(some) // 4)]
    low, high = means[best].min(), means[best].max()
    tried = means[some.index]
    return (
        f"Of {len(some)} trials with a fixed L and {activation}, the {len(best)} best have L from {low:.2g} "
        f"to {high:.2g}; tried were {tried.min():.2g} to {tried.max():.2g}"
    )
