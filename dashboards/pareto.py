"""Trade-offs: what one objective costs in another.

With several objectives, the trials that no other trial beats in all of them: the Pareto front. With one, the
score against the number of weights, which the study did not optimise but which somebody has to pay for.
"""

import math
from itertools import combinations

import plotly.graph_objects as go

from arnn_search import figures
from arnn_search.tracking.dashboards.findings import amount
from arnn_search.tracking.leaderboard import pareto_front

_WEIGHTS = "num_weights"
_LOG_SPAN = 5


def render(study):
    if len(study.objectives) < 2:
        return [_only_one(study), _weights(study)]
    columns = {objective.metric: f"metric.{objective.metric}" for objective in study.objectives}
    missing = [metric for metric, column in columns.items() if column not in study.completed]
    known = study.completed if missing else study.completed.dropna(subset=list(columns.values()))
    if missing or known.empty:
        return figures.words(
            f"No completed trial has reported all objectives: {', '.join(columns)}.", title="Pareto front"
        )
    senses = {columns[o.metric]: o.maximizes for o in study.objectives}
    front = _front(known, senses)
    return [
        _scatter(
            study,
            known,
            front,
            # What is gained stands upright, what it costs lies below.
            axes={columns[b]: b, columns[a]: a},
            title=_ends(known, front, columns[a], a, columns[b], b),
            caption=f"{len(front)} of {len(known)} completed trials are on the front of all "
            f"{len(columns)} objectives: no other trial is at least as good in each and better in one.",
            joins=len(columns) == 2,
        )
        for a, b in combinations(columns, 2)
    ]


def _ends(known, front, first, first_name, second, second_name):
    """The two ends of a front in words."""
    best, other = front.sort_values(first).index[-1], front.sort_values(first).index[0]
    if best == other:
        return f"{first_name} against {second_name}"
    a, b = known.loc[best], known.loc[other]
    return (
        f"From trial {other} ({first_name} {amount(b[first])}, {second_name} {amount(b[second])}) to trial "
        f"{best} ({amount(a[first])}, {amount(a[second])})"
    )


def _only_one(study):
    return figures.words(
        f"This study has one objective: {study.direction} {study.metric}. A Pareto front needs several, so "
        "there is none; its best trials are on the overview.",
        title="Pareto front",
        height=130,
    )


def _weights(study):
    title = f"{study.metric} against the number of weights"
    known = study.completed.dropna(subset=[_WEIGHTS])
    if known.empty:
        return figures.words("No completed trial has reported its number of weights.", title=title)
    front = _front(known, {_WEIGHTS: False, "score": study.direction == "maximize"})
    return _scatter(
        study,
        known,
        front,
        axes={_WEIGHTS: "weights", "score": study.metric},
        title=title,
        caption="The line joins the trials that no smaller one beats. The search did not ask for small ones.",
    )


def _front(trials, senses):
    return trials.loc[pareto_front(trials, senses)].sort_values(next(iter(senses)))


def _scatter(study, trials, front, *, axes, title, caption, joins=True):
    (x, x_title), (y, y_title) = axes.items()
    front = front.sort_values(x)
    looks = (
        ("other trials", trials.drop(front.index), figures.GREY, "markers"),
        ("front", front, figures.BLUE, "lines+markers" if joins else "markers"),
    )
    figure = go.Figure()
    for place, (name, rows, colour, mode) in enumerate(looks):
        if rows.empty:
            continue
        figure.add_trace(
            go.Scatter(
                x=rows[x],
                y=rows[y],
                name=f"{name} (n = {len(rows)})",
                mode=mode,
                text=[study.title(number) for number in rows.index],
                hovertemplate="%{text}<br>%{x:.5g}, %{y:.4g}<extra></extra>",
                line={"color": colour, "width": 1.5, "shape": "hv"},
                marker={"color": colour, "symbol": figures.SYMBOLS[place], "size": 8 + 2 * place},
            )
        )
    figures.style(figure, title=title, caption=caption)
    figure.update_layout(showlegend=True)
    for end, position in ((front[x].idxmin(), "right"), (front[x].idxmax(), "left")):
        figure.add_annotation(
            x=front.loc[end, x],
            y=front.loc[end, y],
            text=f"trial {end}",
            showarrow=False,
            xanchor="left" if position == "right" else "right",
            xshift=10 if position == "right" else -10,
            bgcolor="rgba(255,255,255,0.75)",
            font={"size": 12, "color": figures.BLUE},
        )
        if len(front) == 1:
            break
    figure.update_xaxes(title_text=x_title)
    figure.update_yaxes(title_text=y_title)
    values = trials[x]
    if values.min() > 0 and values.max() / values.min() >= _LOG_SPAN:
        figures.log_axis(figure, values, title=x_title)
        for annotation in figure.layout.annotations:
            annotation.x = math.log10(annotation.x)
    return figure
