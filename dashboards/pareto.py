"""Trade-offs: what one objective costs in another.

With several objectives, the trials that no other trial beats in all of them: the Pareto front. With one, the
score against the number of weights, which the study did not optimise but which somebody has to pay for.
"""

from itertools import combinations

import pandas
import plotly.graph_objects as go

from arnn_search import figures

_WEIGHTS = "num_weights"


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
            axes={columns[a]: a, columns[b]: b},
            title=f"{a} against {b}",
            caption=f"{len(front)} of {len(known)} completed trials are on the front of all "
            f"{len(columns)} objectives: no other trial is at least as good in each and better in one.",
            joins=len(columns) == 2,
        )
        for a, b in combinations(columns, 2)
    ]


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
    figure = _scatter(
        study,
        known,
        front,
        axes={_WEIGHTS: "weights", "score": study.metric},
        title=title,
        caption="The line joins the trials that no smaller one beats. The search did not ask for small ones.",
    )
    return figures.log_axis(figure, known[_WEIGHTS], title="weights")


def _front(trials, senses):
    signed = pandas.DataFrame({name: trials[name] * (1 if more else -1) for name, more in senses.items()})
    values = signed.to_numpy()
    kept = [
        number
        for number, row in zip(signed.index, values, strict=True)
        if not ((values >= row).all(axis=1) & (values > row).any(axis=1)).any()
    ]
    return trials.loc[kept].sort_values(next(iter(senses)))


def _scatter(study, trials, front, *, axes, title, caption, joins=True):
    (x, x_title), (y, y_title) = axes.items()
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
    figure.update_xaxes(title_text=x_title)
    figure.update_yaxes(title_text=y_title)
    return figure
