"""What this dashboard is called: the question that it answers.

Say here what is shown and what to look for; it stands at the top of the page. The file must define
`render(study)`; everything else is yours.
"""

import plotly.express as px

from arnn_search import figures


def render(study):
    # `study` is plain tables (pandas), read from MLflow:
    #   study.trials   one row per trial, indexed by its number: state, reason, score, started, ended,
    #                  seconds, device, family, num_weights, ...; and at its best epoch
    #                  "param.<name>" and "metric.<name>"
    #   study.epochs   one row per trial and epoch: trial, epoch, and a column for each metric
    #   study.layers   one row per trial, epoch and layer: depth, layer, gradient_rms, saturation, limit
    # and beside them study.completed (best first), study.metric, study.direction, study.gradients[number].

    # A study may be empty, or all its trials may have failed: say so instead of raising.
    if study.completed.empty:
        return figures.words("No trial has completed yet.", title="Learning curves")

    best = study.completed.index[:5]
    epochs = study.epochs[study.epochs["trial"].isin(best)].dropna(subset=[study.metric])
    figure = px.line(
        epochs.assign(trial=epochs["trial"].map(study.title)),
        x="epoch",
        y=study.metric,
        color="trial",
        # Colours that everybody can tell apart, and shapes for whoever sees none.
        color_discrete_sequence=figures.PALETTE,
        symbol="trial",
        markers=True,
    )
    # Any Plotly figure will do; `style` makes it look like the others. Return a list to show several.
    return figures.style(
        figure, title="Learning curves", caption=f"The five best trials; {study.direction} {study.metric}."
    )
