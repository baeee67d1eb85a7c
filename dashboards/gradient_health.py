"""Gradient health: whether every layer of the best trials learns, epoch by epoch.

The heat maps show log10 of the root mean square of each layer's gradient, with one colour scale for all, so
trials can be compared: even columns are healthy, a dark top means that the first layers receive no gradient.
"""

import math

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from arnn_search import figures

_MOST = 4
_INDICES = {
    "vanishing index": ("health/vanishing_index", "0 is balanced, below 0 vanishes towards the input"),
    "uniformity": ("health/uniformity", "0 when all layers receive the same gradient"),
    "stability": ("health/stability", "0 when nothing moves between epochs"),
}


def render(study):
    shown, which = _trials_to_show(study)
    if not shown:
        return figures.words("No trial has recorded gradients yet.", title="Gradients by layer and epoch")
    return [heat_maps(study, shown, which), indices(study, shown)]


def _trials_to_show(study):
    layers = study.layers
    measured = set(layers.loc[layers["gradient_rms"].notna(), "trial"])
    best = [number for number in study.completed.index if number in measured]
    if best:
        return best[:_MOST], "best completed trials"
    longest = layers.groupby("trial")["epoch"].max().sort_values(ascending=False, kind="stable")
    return [n for n in longest.index if n in measured][:_MOST], "trials with most epochs; none has completed"


def heat_maps(study, shown, which):
    figure = make_subplots(
        # Wide enough for the layers' names in MLflow's narrow pane.
        cols=len(shown),
        horizontal_spacing=0.135,
        subplot_titles=[" "] * len(shown),
    )
    most_layers = 1
    for column, number in enumerate(shown, start=1):
        rows = study.layers[study.layers["trial"] == number]
        names = rows.drop_duplicates("depth").sort_values("depth")
        labels = [
            f"{depth} {_short(name)}" for depth, name in zip(names["depth"], names["layer"], strict=True)
        ]
        values = rows.pivot(index="depth", columns="epoch", values="gradient_rms")
        known = values.where(np.isfinite(values) & (values > 0))
        most_layers = max(most_layers, len(labels))
        figure.add_trace(
            go.Heatmap(
                z=np.log10(known),
                x=values.columns,
                y=labels,
                customdata=np.broadcast_to(names["layer"].to_numpy()[:, None], values.shape),
                coloraxis="coloraxis",
                hovertemplate="%{customdata}<br>epoch %{x}<br>log₁₀ RMS %{z:.2f}<extra></extra>",
            ),
            row=1,
            col=column,
        )
        score = study.trials.loc[number, "score"]
        lines = study.title(number).split(" · ", 1) + ([f"{score:.4f}"] if np.isfinite(score) else [])
        figure.layout.annotations[column - 1].update(text="<br>".join(lines), font={"size": 12})
    row_height = 24 if most_layers <= 30 else max(8.0, 720 / most_layers)
    figures.style(
        figure,
        title="Gradients by layer and epoch",
        caption=f"The {len(shown)} {which}. Input at the top; grey is zero or not finite.",
        height=round(270 + row_height * most_layers),
    )
    bar = {"title": {"text": "log₁₀ of the gradient's RMS", "side": "bottom"}, "thickness": 14}
    bar |= {"orientation": "h", "y": 0, "yref": "container", "yanchor": "bottom", "len": 0.6}
    figure.update_layout(
        coloraxis={"colorscale": figures.SCALE, "colorbar": bar},
        plot_bgcolor="#B8B8B8",
        margin={"t": 84, "b": 120},
    )
    figure.update_xaxes(title_text="epoch", showgrid=False, nticks=8, minor={"dtick": 1}, tickformat="d")
    every = math.ceil(14 / row_height)
    figure.update_yaxes(
        autorange="reversed", showgrid=False, type="category", tickfont={"size": 10}, dtick=every
    )
    return figure


def indices(study, shown):
    title = "Health indices over epochs"
    known = {name: metric for name, (metric, _) in _INDICES.items() if metric in study.epochs}
    if not known:
        return figures.words("The trials reported no health indices.", title=title)
    figure = make_subplots(cols=len(known), subplot_titles=list(known), horizontal_spacing=0.07)
    for column, metric in enumerate(known.values(), start=1):
        for place, number in enumerate(shown):
            rows = study.epochs[(study.epochs["trial"] == number) & study.epochs[metric].notna()]
            figure.add_trace(
                go.Scatter(
                    x=rows["epoch"],
                    y=rows[metric],
                    mode="lines+markers",
                    name=study.title(number).replace(" · ", "<br>", 1),
                    legendgroup=str(number),
                    showlegend=column == 1,
                    line={"color": figures.PALETTE[place]},
                    marker={"symbol": figures.SYMBOLS[place], "size": 7},
                    hovertemplate="epoch %{x}: %{y:.3f}<extra>%{fullData.name}</extra>",
                ),
                row=1,
                col=column,
            )
    explained = "; ".join(f"{name}: {what}" for name, (_, what) in _INDICES.items())
    figures.style(figure, title=title, caption=f"In decades. {explained}.", height=380)
    figure.update_xaxes(title_text="epoch", nticks=7, tickformat="d")
    figure.update_layout(margin={"t": 64})
    return figure


def _short(layer):
    return figures.shortened(layer.removeprefix("auto_rot_"), 9)
