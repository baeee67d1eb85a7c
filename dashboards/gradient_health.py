"""Gradient health: whether every layer learns, epoch by epoch, in any trial.

The heat maps show log10 of the root mean square of each layer's gradient, with one colour scale for all that
are shown: even columns are healthy, a dark top means that the first layers receive no gradient. Choose up to
four trials to stand side by side.
"""

import math

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from arnn_search import figures
from arnn_search.selection import Option, SelectionSlot, selectable

_MOST = 4
_MOST_CELLS = 300_000
_HEALTH = "metric.health/score"
_INDICES = {
    "vanishing index": ("health/vanishing_index", "0 is balanced, below 0 vanishes towards the input"),
    "uniformity": ("health/uniformity", "0 when all layers receive the same gradient"),
    "stability": ("health/stability", "0 when nothing moves between epochs"),
}
_BESIDE = ("metric.health/", "metric.probe/", "metric.probe_")
"""What stands against the score, where trials report it."""


def render(study):
    layers = study.layers
    measured = set(layers.loc[layers["gradient_rms"].notna(), "trial"])
    if not measured:
        return figures.words("No trial has recorded gradients yet.", title="Gradients by layer and epoch")
    maps = _maps(study, _in_order(study, measured))
    presets = _presets(study, list(maps))
    return [heat_maps(study, maps, presets, measured), indices(study, maps, presets), *foretelling(study)]


def _in_order(study, measured):
    """Completed trials best first, then the others by number."""
    ranked = [number for number in study.completed.index if number in measured]
    return [*ranked, *(number for number in study.trials.index if number in measured - set(ranked))]


def _maps(study, numbers):
    """Of as many trials as a page has room for: log10 of the gradients by layer and epoch, and the names."""
    tables = dict(tuple(study.layers.groupby("trial")))
    maps, cells = {}, 0
    for number in numbers:
        rows = tables[number]
        names = rows.drop_duplicates("depth").sort_values("depth")
        num_layers = len(names)
        values = rows.sort_values(["depth", "epoch"])["gradient_rms"].to_numpy(float).reshape(num_layers, -1)
        cells += values.size
        if cells > _MOST_CELLS and len(maps) >= _MOST:
            break
        known = np.isfinite(values) & (values > 0)
        logs = np.where(known, np.log10(np.where(known, values, 1.0)), np.nan)
        maps[number] = (names["depth"].tolist(), names["layer"].tolist(), logs)
    return maps


def _presets(study, numbers):
    """Trials that are worth a look, by the name of the button."""
    completed = [n for n in numbers if study.trials.loc[n, "state"] == "completed"]
    presets = {}
    families = study.trials.loc[numbers, "family"]
    of_each = [
        families.index[families == family][0]
        for family in figures.FAMILY_COLOURS
        if (families == family).any()
    ]
    if len(of_each) > 1:
        presets["best of each family"] = of_each[:_MOST]
    presets["best trials" if completed else "first trials"] = numbers[:_MOST]
    if _HEALTH in study.trials:
        health = study.trials.loc[numbers, _HEALTH].dropna().sort_values(kind="stable")
        if len(health) > _MOST:
            presets["healthiest and sickest"] = [*health.index[::-1][:2], *health.index[:2][::-1]]
    return {name: [str(number) for number in chosen] for name, chosen in presets.items()}


def _label(study, number):
    score = study.trials.loc[number, "score"]
    known = f" · {score:.4f}" if np.isfinite(score) else ""
    state = study.trials.loc[number, "state"]
    return study.title(number) + known + ("" if state == "completed" else f" · {state}")


def heat_maps(study, maps, presets, measured):
    num_slots = min(_MOST, len(maps))
    figure = make_subplots(
        # Wide enough for the layers' names in MLflow's narrow pane.
        cols=num_slots,
        horizontal_spacing=0.135 if num_slots > 1 else 0,
        subplot_titles=[" "] * num_slots,
    )
    for column in range(1, num_slots + 1):
        hover = "%{customdata}<br>epoch %{x}<br>log₁₀ RMS %{z:.2f}<extra></extra>"
        figure.add_trace(go.Heatmap(coloraxis="coloraxis", hovertemplate=hover), row=1, col=column)
    most_layers = max(len(names) for _, names, _ in maps.values())
    row_height = 24 if most_layers <= 30 else max(8.0, 720 / most_layers)
    left_out = len(measured) - len(maps)
    figures.style(
        figure,
        title=_finding(study),
        caption="Layers from input (top) to output, epochs from left to right; grey is zero or not finite."
        + (f" {left_out} trials are left out, to keep the page small." if left_out else ""),
        height=round(270 + row_height * min(most_layers, 30)),
        subplot_width=170,
    )
    bar = {"title": {"text": "log₁₀ of the gradient's RMS", "side": "bottom"}, "thickness": 14}
    bar |= {"orientation": "h", "y": 0, "yref": "container", "yanchor": "bottom", "len": 0.6}
    figure.update_layout(
        coloraxis={"colorscale": figures.SCALE, "colorbar": bar},
        plot_bgcolor="#B8B8B8",
        margin={"t": 84, "b": 120},
    )
    figure.update_annotations(font={"size": 12})
    figure.update_xaxes(title_text="epoch", showgrid=False, nticks=8, minor={"dtick": 1}, tickformat="d")
    every = math.ceil(14 / row_height)
    figure.update_yaxes(
        autorange="reversed", showgrid=False, type="category", tickfont={"size": 10}, dtick=every
    )
    options = []
    for number, (depths, names, logs) in maps.items():
        labels = [f"{depth} {_short(name)}" for depth, name in zip(depths, names, strict=True)]
        content = {
            "z": [[None if math.isnan(v) else round(v, 3) for v in row] for row in logs.tolist()],
            "x": list(range(1, logs.shape[1] + 1)),
            "y": labels,
            "customdata": [[name] * logs.shape[1] for name in names],
        }
        title = _label(study, number).split(" · ")
        lines = [title[0], " · ".join(title[1:3]), " · ".join(title[3:])]
        text = "<br>".join(line for line in lines if line)
        options.append(Option(str(number), _label(study, number), [content], title=text, rows=len(names)))
    slots = [
        SelectionSlot(
            [place], annotation=place, axes=[f"{axis}axis{place + 1 if place else ''}" for axis in "xy"]
        )
        for place in range(num_slots)
    ]
    return selectable(
        figure,
        options,
        slots,
        presets=presets,
        base_height=270,
        row_height=row_height,
        whole=[slot.axes[0] for slot in slots],
    )


def _finding(study):
    index = "metric.health/vanishing_index"
    if (
        study.completed.empty
        or index not in study.completed
        or not np.isfinite(study.completed[index].iloc[0])
    ):
        return "Gradients by layer and epoch"
    best, value = study.completed.index[0], float(study.completed[index].iloc[0])
    if abs(value) < 0.5:
        what = "reach the first layer as they leave the last"
    elif value < 0:
        what = f"shrink {10**-value:.2g} times on their way to the first layer"
    else:
        what = f"grow {10**value:.2g} times on their way to the first layer"
    return f"In the best trial, {best}, gradients {what}"


def indices(study, maps, presets):
    title = "Health indices over epochs"
    known = {name: metric for name, (metric, _) in _INDICES.items() if metric in study.epochs}
    if not known:
        return figures.words("The trials reported no health indices.", title=title)
    figure = make_subplots(cols=len(known), subplot_titles=list(known), horizontal_spacing=0.07)
    num_slots = min(_MOST, len(maps))
    for place in range(num_slots):
        for column in range(1, len(known) + 1):
            figure.add_trace(
                go.Scatter(
                    mode="lines+markers",
                    legendgroup=str(place),
                    showlegend=column == 1,
                    line={"color": figures.PALETTE[place]},
                    marker={"symbol": figures.SYMBOLS[place], "size": 7},
                    hovertemplate="epoch %{x}: %{y:.3f}<extra>%{fullData.name}</extra>",
                ),
                row=1,
                col=column,
            )
    explained = "; ".join(f"{name}: {_INDICES[name][1]}" for name in known)
    figures.style(
        figure,
        title=title,
        caption=f"Of the trials chosen above, in decades. {explained}.",
        height=380,
        subplot_width=170,
    )
    figure.update_xaxes(title_text="epoch", nticks=7, tickformat="d")
    figure.update_layout(margin={"t": 64})
    by_trial = dict(tuple(study.epochs.groupby("trial")))
    options = []
    for number in maps:
        rows = by_trial.get(number, study.epochs.iloc[:0])
        name = study.title(number).replace(" · ", "<br>", 1)
        traces = []
        for metric in known.values():
            some = rows[rows[metric].notna()]
            traces.append({"x": some["epoch"].tolist(), "y": some[metric].round(4).tolist(), "name": name})
        options.append(Option(str(number), _label(study, number), traces))
    slots = [
        SelectionSlot([place * len(known) + part for part in range(len(known))]) for place in range(num_slots)
    ]
    whole = [f"xaxis{column + 1 if column else ''}" for column in range(len(known))]
    return selectable(figure, options, slots, presets=presets, whole=whole)


def foretelling(study):
    """The score against what is known of the gradients, for every trial that has both."""
    score = study.trials["score"]
    names = [_HEALTH, *(n for n in study.trials if n.startswith(_BESIDE[1:]))]
    names = [
        name
        for name in names
        if name in study.trials
        and (study.trials[name].notna() & score.notna()).sum() >= _MOST
        and study.trials.loc[score.notna(), name].nunique() > 1
    ][:3]
    if not names:
        return []
    figure = make_subplots(cols=len(names), shared_yaxes=True, horizontal_spacing=0.05)
    told = []
    for column, name in enumerate(names, start=1):
        rows = study.trials[study.trials[name].notna() & score.notna()]
        correlation = _rank_correlation(rows[name], rows["score"])
        told.append(f"{name.removeprefix('metric.')} {correlation:+.2f}")
        for place, family in enumerate(sorted(rows["family"].unique())):
            some = rows[rows["family"] == family]
            figure.add_trace(
                go.Scatter(
                    x=some[name],
                    y=some["score"],
                    name=f"{family or 'trials'} (n = {len(some)})",
                    mode="markers",
                    legendgroup=family,
                    showlegend=column == 1,
                    text=[_label(study, number) for number in some.index],
                    hovertemplate="%{text}<br>%{x:.3f}<extra></extra>",
                    marker={
                        "color": figures.FAMILY_COLOURS.get(family, figures.PURPLE),
                        "symbol": figures.SYMBOLS[place % len(figures.SYMBOLS)],
                        "size": 8,
                    },
                ),
                row=1,
                col=column,
            )
        figure.update_xaxes(title_text=name.removeprefix("metric."), row=1, col=column)
    figures.style(
        figure,
        title=f"Rank correlation with {study.metric}: {', '.join(told)}",
        caption="Each point is a trial at its best epoch, stopped ones included. A correlation of 0 is none, "
        "1 the same order, -1 the opposite one.",
        height=400,
    )
    figure.update_layout(showlegend=True)
    figure.update_yaxes(title_text=study.metric, col=1)
    return [figure]


def _rank_correlation(first, second):
    return float(np.corrcoef(first.rank(), second.rank())[0, 1])


def _short(layer):
    return figures.shortened(layer.removeprefix("auto_rot_"), 9)
