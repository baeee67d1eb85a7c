"""What won, by how much, what failed, and which device was busy when."""

import plotly.graph_objects as go
from plotly.subplots import make_subplots

# Okabe and Ito's palette, told apart with every kind of colour vision.
STATES = {
    "completed": "#0072B2",
    "pruned": "#E69F00",
    "infeasible": "#CC79A7",
    "failed": "#D55E00",
    "running": "#009E73",
}
LEADERS = 10


def render(study):
    figure = make_subplots(
        rows=2,
        cols=2,
        specs=[[{"type": "xy"}, {"type": "table"}], [{"type": "xy"}, {"type": "xy"}]],
        subplot_titles=(f"{study.metric} by trial", "Leaderboard", "How trials ended", "Who ran when"),
        horizontal_spacing=0.09,
        vertical_spacing=0.17,
    )
    scores(figure, study)
    leaderboard(figure, study)
    endings(figure, study)
    timeline(figure, study)
    figure.update_layout(
        title=f"{study.name}: {len(study.trials)} trials",
        template="plotly_white",
        showlegend=False,
        height=760,
        barmode="overlay",  # bars of one device lie in one line
        bargap=0.35,
        margin={"l": 60, "r": 30, "t": 90, "b": 60},
    )
    return figure


def scores(figure, study):
    done = study.completed.sort_index()
    best = done["value"].cummin() if study.direction == "minimize" else done["value"].cummax()
    figure.add_scatter(
        x=done.index,
        y=done["value"],
        mode="markers",
        text=done["family"],
        hovertemplate="trial %{x}: %{y:.4f} %{text}<extra></extra>",
        marker={"color": STATES["completed"], "size": 8},
        row=1,
        col=1,
    )
    figure.add_scatter(
        x=best.index,
        y=best,
        mode="lines",
        line={"color": STATES["pruned"], "shape": "hv"},
        hovertemplate="best so far: %{y:.4f}<extra></extra>",
        row=1,
        col=1,
    )
    figure.update_xaxes(title_text="trial", row=1, col=1)


def leaderboard(figure, study):
    leaders = study.completed.head(LEADERS)
    health = leaders.get("metric.health/score")
    columns = {
        "trial": leaders.index.astype(str),
        study.metric: leaders["value"].map("{:.4f}".format),
        "health": ["-"] * len(leaders) if health is None else health.map("{:.2f}".format),
        "family": leaders["family"],
        "activation": leaders.get("param.activation", leaders["family"].map(lambda _: "-")),
    }
    figure.add_trace(
        go.Table(
            header={"values": [f"<b>{name}</b>" for name in columns], "align": "left"},
            cells={"values": [list(cells) for cells in columns.values()], "align": "left", "height": 24},
        ),
        row=1,
        col=2,
    )


def endings(figure, study):
    reasons = study.trials["reason"].where(study.trials["reason"] != "", study.trials["state"])
    counts = study.trials.assign(reason=reasons).groupby(["state", "reason"]).size().sort_values()
    figure.add_bar(
        x=counts.to_list(),
        y=[state if state == reason else f"{state}: {reason}" for state, reason in counts.index],
        orientation="h",
        marker_color=[STATES.get(state, "#999999") for state, _ in counts.index],
        hovertemplate="%{x} trials<extra>%{y}</extra>",
        row=2,
        col=1,
    )
    figure.update_xaxes(title_text="trials", rangemode="tozero", row=2, col=1)
    figure.update_yaxes(automargin=True, row=2, col=1)


def timeline(figure, study):
    now = study.trials["ended"].max()
    for number, trial in study.trials.sort_values("started").iterrows():
        ended = now if trial["ended"] != trial["ended"] else trial["ended"]
        figure.add_bar(
            base=[trial["started"]],
            x=[max((ended - trial["started"]).total_seconds(), 0.0) * 1000],
            y=[trial["device"] or "?"],
            orientation="h",
            marker={"color": STATES.get(trial["state"], "#999999"), "line": {"color": "white", "width": 1}},
            hovertemplate=f"trial {number}: {trial['state']}<extra></extra>",
            row=2,
            col=2,
        )
    figure.update_xaxes(type="date", title_text="time (UTC)", row=2, col=2)
    figure.update_yaxes(automargin=True, row=2, col=2)
