"""Limits: where the limit L of auto-rotating layers belongs, and where training moves it.

A learnable L over the epochs, layer by layer, for the best trials that learn it; and, where L is fixed, the
score that each value reached.
"""

import numpy as np
import pandas
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from arnn_search import figures

_MOST = 4


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
    mode = "param.limit_mode"
    if mode in study.trials:
        learns |= set(study.trials.index[study.trials[mode] == "learnable"]) & set(limits["trial"])
    return [learned(study, limits, learns), fixed(study, limits, learns)]


def learned(study, limits, learns):
    title = "Learnable L over epochs"
    ranked = [number for number in study.completed.index if number in learns]
    shown = ranked[:_MOST] or sorted(learns)[:_MOST]
    if not shown:
        return figures.words("No trial has a learnable limit; every L is fixed.", title=title)
    figure = make_subplots(
        cols=len(shown), shared_yaxes=True, horizontal_spacing=0.03, subplot_titles=[" "] * len(shown)
    )
    deepest = int(limits.loc[limits["trial"].isin(shown), "depth"].max())
    for column, number in enumerate(shown, start=1):
        rows = limits[limits["trial"] == number]
        for depth, layer in rows.groupby("depth"):
            figure.add_trace(_line(layer, int(depth), deepest), row=1, col=column)
        text = study.title(number).replace(" · ", "<br>", 1)
        figure.layout.annotations[column - 1].update(text=text, font={"size": 12})
    figure.add_trace(_depth_scale(deepest), row=1, col=1)
    figures.style(
        figure,
        title=title,
        caption=f"The {len(shown)} best trials that learn L; one line per layer, coloured by its depth (0 is "
        "next to the input).",
        height=420,
    )
    figure.update_layout(showlegend=False, margin={"t": 72})
    figure.update_xaxes(title_text="epoch", nticks=7, tickformat="d")
    figure.update_yaxes(title_text="L", col=1)
    return figure


def _line(layer, depth, deepest):
    return go.Scatter(
        x=layer["epoch"],
        y=layer["limit"],
        mode="lines+markers",
        name=layer["layer"].iloc[0],
        line={"color": figures.on_scale(depth / max(deepest, 1))},
        marker={"symbol": figures.SYMBOLS[depth % len(figures.SYMBOLS)], "size": 6},
        hovertemplate="epoch %{x}: L = %{y:.3f}<extra>%{fullData.name}</extra>",
    )


def _depth_scale(deepest):
    bar = {"title": {"text": "depth", "side": "right"}, "thickness": 14, "nticks": 8, "tickformat": "d"}
    marker = {"color": [0], "cmin": 0, "cmax": max(deepest, 1), "colorscale": figures.SCALE, "colorbar": bar}
    return go.Scatter(x=[None], y=[None], mode="markers", marker=marker, hoverinfo="skip")


def fixed(study, limits, learns):
    title = "Fixed L against score"
    means = limits[~limits["trial"].isin(learns)].groupby("trial")["limit"].mean()
    rows = study.completed[study.completed.index.isin(means.index)]
    if rows.empty:
        return figures.words("No trial with a fixed limit has completed.", title=title)
    name = "param.activation"
    activations = rows[name].fillna("unknown") if name in rows else pandas.Series("all", index=rows.index)
    figure = go.Figure()
    for place, activation in enumerate(sorted(activations.unique())):
        some = rows[activations == activation]
        figure.add_trace(
            go.Scatter(
                x=means[some.index],
                y=some["score"],
                name=f"{activation} (n = {len(some)})",
                mode="markers",
                text=[study.title(number) for number in some.index],
                hovertemplate="%{text}<br>L = %{x:.3f}<br>%{y:.4f}<extra></extra>",
                marker={
                    "color": figures.PALETTE[place % len(figures.PALETTE)],
                    "symbol": figures.SYMBOLS[place % len(figures.SYMBOLS)],
                    "size": 9,
                },
            )
        )
    figures.style(
        figure,
        title=title,
        caption="Each point is a completed trial; L is the mean over its layers.",
        height=420,
    )
    figure.update_layout(showlegend=True)
    figure.update_xaxes(title_text="L")
    figure.update_yaxes(title_text=study.metric)
    return figure
