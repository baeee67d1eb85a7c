"""What a better score costs in weights: the trials that no other one beats in both."""

import plotly.graph_objects as go

COLOURS = {"classic": "#999999", "ar": "#0072B2", "bn": "#E69F00", "ar_bn": "#009E73"}


def render(study):
    scored = study.completed.dropna(subset="num_parameters")
    figure = go.Figure()
    for family, rows in scored.groupby("family"):
        figure.add_scatter(
            x=rows["num_parameters"],
            y=rows["value"],
            mode="markers",
            name=family or "trials",
            text=[f"trial {number}" for number in rows.index],
            marker={"color": COLOURS.get(family, "#CC79A7"), "size": 10},
        )
    best = front(scored, minimize=study.direction == "minimize")
    figure.add_scatter(
        x=best["num_parameters"],
        y=best["value"],
        mode="lines",
        name="Pareto front",
        line={"color": "#000000", "dash": "dot", "shape": "hv"},
    )
    figure.update_layout(
        title=f"{study.name}: {study.metric} against the number of weights",
        template="plotly_white",
        height=640,
        margin={"l": 60, "r": 30, "t": 90, "b": 60},
    )
    figure.update_xaxes(type="log", title_text="weights")
    figure.update_yaxes(title_text=study.metric)
    return figure


def front(scored, *, minimize):
    """The trials that are better than every smaller one, from small to large."""
    ordered = scored.sort_values(["num_parameters", "value"], ascending=[True, minimize])
    best = ordered["value"].cummin() if minimize else ordered["value"].cummax()
    return ordered[ordered["value"].eq(best) & ~best.duplicated()]
