"""Families: do auto-rotating layers, batch normalisation, both or neither serve this study best?

Score and gradient health of the completed trials by layer family, with counts; then each family against the
plain one between trials that are otherwise nearly the same, since the search does not try families evenly.
"""

import numpy as np
import pandas
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from arnn_search import figures

_HEALTH = "metric.health/score"
_ORDER = ("classic", "ar", "bn", "ar_bn")
_OF_FAMILY = {
    "param.family",
    "param.limit_mode",
    "param.limit_factor",
    "param.reference_point",
    "param.boundary",
}
_FARTHEST = 0.25


def render(study):
    completed = study.completed[study.completed["family"] != ""]
    if completed.empty:
        text = "No trial of a known layer family has completed yet."
        if not study.completed.empty:
            text = "The search space of this study does not choose a layer family (a parameter `family`)."
        return figures.words(text, title="Layer families")
    return [distributions(study, completed), matched(study, completed)]


def distributions(study, completed):
    measures = {study.metric: "score"} | ({"health score": _HEALTH} if _HEALTH in completed else {})
    figure = make_subplots(cols=len(measures), subplot_titles=list(measures), horizontal_spacing=0.09)
    for column, measure in enumerate(measures.values(), start=1):
        for family in _families(completed):
            rows = completed[(completed["family"] == family) & completed[measure].notna()]
            figure.add_trace(_box(rows[measure], family, len(rows), study), row=1, col=column)
    figures.style(
        figure,
        title="Score and gradient health by layer family",
        caption="Each point is a completed trial, n their number; the box holds the middle half, its line is "
        "the median.",
        height=460,
    )
    figure.update_layout(showlegend=False, margin={"t": 64})
    return figure


def matched(study, completed):
    families = _families(completed)
    title = "Families compared between trials that are otherwise alike"
    if len(families) < 2:
        return figures.words(f"All completed trials are of one family, {families[0]}.", title=title)
    plain = families[0]
    sign = 1 if study.direction == "maximize" else -1
    figure = go.Figure()
    for family in families[1:]:
        pairs = _pairs(completed, family, plain)
        gains = pandas.Series(
            [sign * (completed.loc[a, "score"] - completed.loc[b, "score"]) for a, b in pairs],
            index=[a for a, _ in pairs],
            dtype=float,
        )
        words = [f"trial {a} against trial {b}" for a, b in pairs]
        figure.add_trace(_box(gains, family, len(pairs), study, words=words))
    if not any(trace.y is not None and len(trace.y) for trace in figure.data):
        return figures.words(
            f"No two completed trials of different families are alike enough to be compared with {plain}.",
            title=title,
        )
    figures.style(
        figure,
        title=title,
        caption=f"Above 0: better than {plain}. A pair has the same activation and differs by at most a "
        "quarter of the range, on average, in all other parameters; n is the number of pairs.",
        height=420,
    )
    figure.add_hline(y=0, line={"color": figures.BLACK, "width": 1, "dash": "dash"})
    figure.update_yaxes(title_text=f"gain in {study.metric}")
    figure.update_layout(showlegend=False)
    return figure


def _box(values, family, count, study, *, words=None):
    return go.Box(
        y=values,
        x=[f"{family}<br>n = {count}"] * len(values) or None,
        name=family,
        boxpoints="all",
        jitter=0.5,
        pointpos=0,
        text=words or [study.title(number) for number in values.index],
        hovertemplate="%{text}<br>%{y:.4f}<extra></extra>",
        marker={"color": figures.FAMILY_COLOURS.get(family, figures.PURPLE), "size": 6, "opacity": 0.75},
        fillcolor="rgba(0,0,0,0)",
    )


def _families(trials):
    found = list(trials["family"].unique())
    return sorted(found, key=lambda f: (_ORDER.index(f) if f in _ORDER else len(_ORDER), f))


def _pairs(trials, family, plain):
    """Pairs of one trial of each family, closest first, every trial in at most one pair."""
    others = [name for name in trials if name.startswith("param.") and name not in _OF_FAMILY]
    scaled = {name: _scaled(trials[name]) for name in others}
    ours, theirs = trials.index[trials["family"] == family], trials.index[trials["family"] == plain]
    candidates = []
    for a in ours:
        for b in theirs:
            distance = _distance(trials, scaled, a, b)
            if distance <= _FARTHEST:
                candidates.append((distance, a, b))
    pairs, used = [], set()
    for _, a, b in sorted(candidates):
        if a not in used and b not in used:
            pairs.append((a, b))
            used |= {a, b}
    return pairs


def _scaled(values):
    """Numbers as their place in the range that was tried, on a log scale if it spans decades; or None."""
    numbers = pandas.to_numeric(values, errors="coerce")
    if numbers.isna().any() or numbers.nunique() < 2:
        return None
    if numbers.min() > 0 and numbers.max() / numbers.min() >= 50:
        numbers = np.log(numbers)
    return (numbers - numbers.min()) / (numbers.max() - numbers.min())


def _distance(trials, scaled, a, b):
    activation = "param.activation"
    if activation in trials and trials.loc[a, activation] != trials.loc[b, activation]:
        return np.inf
    apart = []
    for name, places in scaled.items():
        first, second = trials.loc[a, name], trials.loc[b, name]
        if pandas.isna(first) and pandas.isna(second):
            continue  # neither was asked
        apart.append(abs(places[a] - places[b]) if places is not None else float(first != second))
    return float(np.mean(apart)) if apart else 0.0
