"""Families: do auto-rotating layers, batch normalisation, both or neither serve this study best?

Score and gradient health by layer family, with counts; then each family against the plainest one between
trials that are otherwise nearly the same, since the search does not try families evenly.
"""

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from arnn_search import figures
from arnn_search.tracking.dashboards.findings import (
    FEWEST_PAIRS,
    families_in,
    family_comparisons,
    gain_text,
)
from arnn_search.tracking.leaderboard import is_share

_HEALTH = "health/score"
_FEWEST = 3


def render(study):
    families = families_in(study)
    if not families:
        text = "No trial of a known layer family has a score yet."
        if not study.completed.empty:
            text = "The search space of this study does not choose a layer family (a parameter `family`)."
        return figures.words(text, title="Layer families")
    return [distributions(study, families), matched(study, families)]


def distributions(study, families):
    measures = {study.metric: "score"}
    if f"metric.{_HEALTH}" in study.trials and study.metric != _HEALTH:
        measures["health score"] = f"metric.{_HEALTH}"
    figure = make_subplots(cols=len(measures), subplot_titles=list(measures), horizontal_spacing=0.09)
    for column, measure in enumerate(measures.values(), start=1):
        for family in families:
            known = study.trials[(study.trials["family"] == family) & study.trials[measure].notna()]
            label = _label(study, family)
            for state in ("completed", "pruned"):
                rows = known[known["state"] == state]
                figure.add_trace(_points(study, rows, measure, label, family, state), row=1, col=column)
    figures.style(
        figure,
        title=_distribution_title(study),
        caption="Each point is a trial at its best epoch: filled if it completed, open if it was stopped. "
        "The box holds the middle half of the completed ones, its line is their median.",
        height=470,
        subplot_width=330,
    )
    figure.update_layout(showlegend=False, boxmode="overlay", margin={"t": 64})
    figure.update_xaxes(
        type="category", categoryorder="array", categoryarray=[_label(study, f) for f in families]
    )
    return figure


def _label(study, family):
    states = study.trials.loc[study.trials["family"] == family, "state"].value_counts()
    completed = states.get("completed", 0)
    others = [f"{count} {state}" for state, count in states.items() if state != "completed"]
    return "<br>".join([f"<b>{family}</b>", f"n = {completed}", *others])


def _points(study, rows, measure, label, family, state):
    colour = figures.FAMILY_COLOURS.get(family, figures.PURPLE)
    is_completed = state == "completed"
    return go.Box(
        y=rows[measure],
        x=[label] * len(rows),
        name=family,
        boxpoints="all",
        jitter=0.6,
        pointpos=0,
        text=[f"{study.title(number)} · {state}" for number in rows.index],
        hovertemplate="%{text}<br>%{y:.4f}<extra></extra>",
        hoveron="points",
        marker={
            "color": colour,
            "size": 7,
            "opacity": 0.8,
            "symbol": "circle" if is_completed else "circle-open",
        },
        line={"color": colour if is_completed else "rgba(0,0,0,0)", "width": 1.5},
        fillcolor="rgba(0,0,0,0)",
    )


def _distribution_title(study):
    of_family = study.completed[study.completed["family"] != ""]
    if of_family.empty:
        return "Score and gradient health by layer family"
    groups = of_family.groupby("family")["score"]
    sizes, medians = groups.size(), groups.median()
    if len(medians) > 1 and (sizes >= _FEWEST).any():
        medians = medians[sizes >= _FEWEST]
    best = medians.idxmax() if study.direction == "maximize" else medians.idxmin()
    if len(sizes) == 1:
        return f"All completed trials are of the family {best}: median {study.metric} {medians[best]:.4f}"
    return f"{best} has the best median {study.metric}, {medians[best]:.4f} (n = {sizes[best]} completed)"


def matched(study, families):
    title = "Families compared between trials that are otherwise alike"
    if len(families) < 2:
        return figures.words(f"All trials with a score are of one family, {families[0]}.", title=title)
    plain = families[0]
    measures = {f"gain in {study.metric}": family_comparisons(study)}
    bounds = [1.0 if is_share(study.metric) else float("inf"), 1.0]
    if _HEALTH in study.epochs and study.metric != _HEALTH:
        measures["gain in health score"] = family_comparisons(study, metric=_HEALTH)
    if not any(one.pairs for comparisons in measures.values() for one in comparisons.values()):
        return figures.words(
            f"No two trials of different families are alike enough to be compared with {plain}.", title=title
        )
    figure = make_subplots(cols=len(measures), subplot_titles=list(measures), horizontal_spacing=0.09)
    for column, (comparisons, bound) in enumerate(zip(measures.values(), bounds, strict=False), start=1):
        for family, comparison in comparisons.items():
            for trace in _gains(comparison, family, bound=bound):
                figure.add_trace(trace, row=1, col=column)
        figure.add_hline(y=0, line={"color": figures.BLACK, "width": 1, "dash": "dash"}, row=1, col=column)
    figures.style(
        figure,
        title=_matched_title(plain, next(iter(measures.values()))),
        caption=f"Above 0: better than {plain}. Small points are pairs of trials with the same activation "
        "that differ by a quarter of the range at most, on average, in all other parameters, at the last "
        "epoch that both reached; the large point is their mean, from three pairs on with its 95 % interval.",
        height=440,
        subplot_width=330,
    )
    figure.update_layout(showlegend=False, margin={"t": 64})
    return figure


def _gains(comparison, family, *, bound):
    """The pairs and their mean; of a metric in [0, 1] a gain lies between -1 and 1."""
    number = len(comparison.pairs)
    label = f"<b>{family}</b><br>{number} pair{'' if number == 1 else 's'}"
    colour = figures.FAMILY_COLOURS.get(family, figures.PURPLE)
    yield go.Box(
        y=list(comparison.gains) or [None],
        x=[label] * max(number, 1),
        name=family,
        boxpoints="all",
        jitter=0.5,
        pointpos=0,
        text=[f"trial {a} against trial {b}" for a, b in comparison.pairs],
        hovertemplate="%{text}<br>%{y:+.4f}<extra></extra>",
        hoveron="points",
        marker={"color": colour, "size": 6, "opacity": 0.6},
        line={"color": "rgba(0,0,0,0)"},
        fillcolor="rgba(0,0,0,0)",
    )
    if not number:
        return
    low, high = comparison.interval if number >= FEWEST_PAIRS else (comparison.mean, comparison.mean)
    above, below = min(high, bound) - comparison.mean, comparison.mean - max(low, -bound)
    yield go.Scatter(
        x=[label],
        y=[comparison.mean],
        mode="markers",
        name=family,
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [above],
            "arrayminus": [below],
            "color": figures.BLACK,
            "thickness": 2,
            "width": 8 if number >= FEWEST_PAIRS else 0,
        },
        marker={"color": colour, "size": 13, "symbol": "diamond", "line": {"color": "black", "width": 1.5}},
        hovertemplate=f"mean {gain_text(comparison)}<extra></extra>",
    )


def _matched_title(plain, comparisons):
    clear = [f"{family} is {one.verdict}" for family, one in comparisons.items() if one.verdict != "unclear"]
    unclear = [family for family, one in comparisons.items() if one.verdict == "unclear"]
    parts = [", ".join(clear)] if clear else []
    parts += [f"{', '.join(unclear)} cannot be told from it"] if unclear else []
    return f"Against {plain}, in trials otherwise alike: {'; '.join(parts)}"
