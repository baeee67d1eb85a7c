"""Which hyperparameters matter: Optuna's importances, parallel coordinates and slices."""

import optuna
import plotly.graph_objects as go
from optuna import visualization
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import create_trial

NEEDED = 3


def render(study):
    optuna_study = as_optuna(study)
    if len(optuna_study.trials) < NEEDED:
        return go.Figure(
            layout={
                "title": f"{study.name}: {NEEDED} completed trials are needed to tell what matters",
                "template": "plotly_white",
            }
        )
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    figures = [visualization.plot_parallel_coordinate(optuna_study, target_name=study.metric)]
    figures.append(visualization.plot_slice(optuna_study, target_name=study.metric))
    if len(set(study.completed["value"])) > 1:
        figures.insert(0, visualization.plot_param_importances(optuna_study, target_name=study.metric))
    for figure in figures:
        figure.update_layout(template="plotly_white", margin={"t": 90})
    figures[0].update_layout(title=f"{study.name}: {figures[0].layout.title.text}")
    return figures


def as_optuna(study):
    """The completed trials as an Optuna study; MLflow keeps parameters as text."""
    scored = study.completed
    columns = {
        name.removeprefix("param."): scored[name] for name in scored.columns if name.startswith("param.")
    }
    distributions = {}
    for name, texts in columns.items():
        known = texts.dropna()
        values = [number(text) for text in known]
        if len(known) and all(value is not None for value in values) and min(values) < max(values):
            distributions[name] = FloatDistribution(min(values), max(values))
        elif len(known):
            distributions[name] = CategoricalDistribution(sorted(set(known)))
    result = optuna.create_study(direction=study.direction)
    for trial, row in scored.iterrows():
        values = {
            name: number(row[f"param.{name}"])
            if isinstance(distributions[name], FloatDistribution)
            else row[f"param.{name}"]
            for name in distributions
            if isinstance(row[f"param.{name}"], str)
        }
        result.add_trial(
            create_trial(
                value=row["value"],
                params=values,
                distributions={name: distributions[name] for name in values},
                user_attrs={"trial": trial},
            )
        )
    return result


def number(text):
    try:
        return float(text)
    except ValueError:
        return None
