"""Hyperparameters: which of them matter, and which values work.

Optuna's own plots, from the study as MLflow holds it: the importance of each parameter for the score, the
trials as lines through the most important ones, and the score against each parameter.
"""

import warnings

import optuna

from arnn_search import figures
from arnn_search.tracking.optuna_view import as_optuna_study

_FEWEST = 4
_MOST_AXES = 6
_MOST_LINES = 200
_MOST_SLICES = 9
_PER_ROW = 3


def render(study):
    title = "Hyperparameters"
    if not any(name.startswith("param.") for name in study.trials):
        return figures.words("No trial has reported a hyperparameter yet.", title=title)
    if len(study.completed) < _FEWEST:
        return figures.words(
            f"{len(study.completed)} trials have completed; it takes {_FEWEST} to say anything about "
            "hyperparameters.",
            title=title,
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        explored = as_optuna_study(study)
        shares = _importances(explored) if study.completed["score"].nunique() > 1 else {}
        varied = list(shares) or _varied(study)
        return [
            _importance_bars(explored, shares),
            *_lines(study, varied),
            *_slices(study, explored, shares),
        ]


def _importances(explored):
    try:
        return optuna.importance.get_param_importances(explored)
    except (RuntimeError, ValueError):  # for example: no parameter is common to all trials
        return {}


def _varied(study):
    names = [name for name in study.completed if name.startswith("param.")]
    return [name.removeprefix("param.") for name in names if study.completed[name].nunique() > 1]


def _importance_bars(explored, shares):
    title = "Importance for the score"
    if not shares:
        return figures.words(
            "The completed trials do not tell the parameters apart: all scores are equal, or no parameter is "
            "common to all trials.",
            title=title,
        )
    figure = optuna.visualization.plot_param_importances(explored, params=list(shares))
    figure.update_traces(marker={"color": figures.BLUE})
    first, share = next(iter(shares.items()))
    figures.style(
        figure,
        title=f"{first} matters most for the score: {share:.0%} of what can be explained",
        caption="Share of the score's variance that each parameter explains, as Optuna estimates it.",
        height=110 + 30 * len(shares),
    )
    figure.update_layout(showlegend=False)
    return figure.update_yaxes(title_text="").update_xaxes(title_text="importance")


def _lines(study, names):
    completed = study.completed
    common = [name for name in names if completed[f"param.{name}"].notna().all()][:_MOST_AXES]
    if len(common) < 2:
        return []
    figure = optuna.visualization.plot_parallel_coordinate(
        as_optuna_study(study, most=_MOST_LINES), params=common, target_name=study.metric
    )
    figures.style(
        figure,
        title="Trials as lines",
        caption=f"One line per completed trial (the {_MOST_LINES} best at most), through its score and the "
        "most important parameters.",
        height=480,
    )
    for line in figure.data:
        if line.mode == "lines":
            line.line.color = figures.on_scale(line.y[0])
        elif line.marker.colorbar.title.text:
            line.marker.colorscale = figures.SCALE
            line.marker.colorbar.title = {"text": study.metric, "side": "right"}
            line.marker.colorbar.thickness = 14
    figure.update_xaxes(tickangle=25, showline=False)
    figure.update_yaxes(visible=False)
    figure.update_annotations(bgcolor="rgba(255,255,255,0.7)")
    return [figure]


def _slices(study, explored, shares):
    names = [*shares, *(name for name in _varied(study) if name not in shares)][:_MOST_SLICES]
    parts = [names[start : start + _PER_ROW] for start in range(0, len(names), _PER_ROW)]
    drawn = []
    for number, part in enumerate(parts):
        figure = optuna.visualization.plot_slice(explored, params=part, target_name=study.metric)
        caption = "Each point is a completed trial; lighter ones came later."
        figures.style(
            figure,
            title="Score against each parameter" if number == 0 else "",
            caption=caption if number == 0 else "",
            height=380,
            subplot_width=170,
        )
        figure.update_traces(marker={"colorscale": "Cividis", "line": {"width": 0}})
        figure.update_xaxes(nticks=5, tickangle=-35, exponentformat="power")
        drawn.append(figure)
    return drawn
