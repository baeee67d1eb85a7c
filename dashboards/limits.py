"""Where the limits L went: learned ones over the epochs, fixed ones against the score."""

from plotly.subplots import make_subplots

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000", "#F0E442")


def render(study):
    learned = next(
        (number for number in study.completed.index if study.layers(number)["limit"].notna().any()), None
    )
    title = (
        "no completed trial has limits"
        if learned is None
        else f"L by layer in trial {learned}, the best that rotates"
    )
    figure = make_subplots(
        rows=1, cols=2, subplot_titles=(title, f"limit against {study.metric}"), horizontal_spacing=0.12
    )
    if learned is not None:
        for position, (layer, rows) in enumerate(
            study.layers(learned).dropna(subset="limit").groupby("layer", sort=False)
        ):
            figure.add_scatter(
                x=rows["epoch"],
                y=rows["limit"],
                mode="lines+markers",
                name=layer,
                line={"color": COLOURS[position % len(COLOURS)]},
                row=1,
                col=1,
            )
    scored = study.completed
    named = [name for name in scored.columns if name.startswith("param.limit") and name != "param.limit_mode"]
    for position, name in enumerate(named):
        rows = scored.dropna(subset=name)
        figure.add_scatter(
            x=rows[name].astype(float),
            y=rows["value"],
            mode="markers",
            name=name.removeprefix("param."),
            text=[f"trial {number}" for number in rows.index],
            marker={"color": COLOURS[position % len(COLOURS)], "size": 9},
            row=1,
            col=2,
        )
    figure.update_xaxes(title_text="epoch", row=1, col=1)
    figure.update_xaxes(title_text="L, or its factor on the activation's own", row=1, col=2)
    figure.update_layout(
        title=f"{study.name}: limits",
        template="plotly_white",
        height=640,
        margin={"l": 60, "r": 30, "t": 90, "b": 120},
        legend={"orientation": "h", "y": -0.18},
    )
    return figure
