"""Which layers the gradient reaches, and how evenly, in the best trials."""

import numpy as np
from plotly.subplots import make_subplots

SHOWN = 4
INDICES = {
    "health/vanishing_index": "vanishing index",
    "health/uniformity": "uniformity",
    "health/stability": "stability",
}
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7")


def render(study):
    shown = [number for number in study.completed.index if len(study.layers(number))][:SHOWN]
    columns = max(len(shown), 1)
    titles = [
        f"trial {number} {study.trials.loc[number, 'family']}<br>{study.trials.loc[number, 'value']:.4f}"
        for number in shown
    ]
    figure = make_subplots(
        rows=2,
        cols=12,
        specs=[
            [{"colspan": 12 // columns} if column % (12 // columns) == 0 else None for column in range(12)],
            [{"colspan": 4} if column % 4 == 0 else None for column in range(12)],
        ],
        subplot_titles=[*(titles or ["no trial has recorded gradients yet"]), *INDICES.values()],
        vertical_spacing=0.2,
        horizontal_spacing=0.05,
        row_heights=[0.6, 0.4],
    )
    for place, number in enumerate(shown):
        heat_map(figure, study.layers(number), column=1 + place * (12 // columns))
        for position, metric in enumerate(INDICES):
            history = study.history(number, metric)
            figure.add_scatter(
                x=history.index,
                y=history,
                mode="lines+markers",
                name=f"trial {number}",
                legendgroup=str(number),
                showlegend=position == 0,
                line={"color": COLOURS[place]},
                row=2,
                col=1 + 4 * position,
            )
    figure.update_layout(
        title=f"{study.name}: gradient health of the best trials",
        template="plotly_white",
        height=800,
        margin={"l": 60, "r": 30, "t": 110, "b": 60},
        coloraxis={"colorscale": "Cividis", "colorbar": {"title": "log10 g", "len": 0.55, "y": 0.78}},
        legend={"orientation": "h", "y": -0.12},
    )
    figure.update_xaxes(title_text="epoch", row=2)
    return figure


def heat_map(figure, layers, *, column):
    grid = layers.pivot(index="depth", columns="epoch", values="gradient_rms")
    names = layers.drop_duplicates("depth").set_index("depth")["layer"]
    with np.errstate(divide="ignore"):
        logs = np.log10(grid.to_numpy())
    figure.add_heatmap(
        x=grid.columns,
        y=[short(names[depth]) for depth in grid.index],
        z=np.where(np.isfinite(logs), logs, np.nan),
        coloraxis="coloraxis",
        hovertemplate="epoch %{x}, %{y}: 10^%{z:.2f}<extra></extra>",
        row=1,
        col=column,
    )
    figure.update_yaxes(autorange="reversed", automargin=True, tickfont_size=9, row=1, col=column)
    figure.update_xaxes(title_text="epoch", row=1, col=column)


def short(name, limit=18):
    return name if len(name) <= limit else f"{name[: limit - 1]}…"
