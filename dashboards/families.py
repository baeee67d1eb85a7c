"""Classic, auto-rotating, batch-normalised, or both: how accurate and how healthy each family is."""

from plotly.subplots import make_subplots

COLOURS = {"classic": "#999999", "ar": "#0072B2", "bn": "#E69F00", "ar_bn": "#009E73"}


def render(study):
    figure = make_subplots(
        rows=1, cols=2, subplot_titles=(study.metric, "health score"), horizontal_spacing=0.1
    )
    trials = study.trials[study.trials["family"] != ""]
    for family, group in trials.groupby("family"):
        scores = group["value"].dropna()
        health = group.get("metric.health/score", scores[:0]).dropna()
        for column, values in ((1, scores), (2, health)):
            figure.add_box(
                y=values,
                name=f"{family} ({len(values)})",
                boxpoints="all",
                jitter=0.4,
                pointpos=0,
                marker_color=COLOURS.get(family, "#CC79A7"),
                text=[f"trial {number}" for number in values.index],
                row=1,
                col=column,
            )
    pairs = matched(study)
    words = "; ".join(f"{pair}: {difference:+.4f} in {count} pairs" for pair, difference, count in pairs)
    figure.update_layout(
        title={
            "text": f"{study.name}: layer families"
            f"<br><sup>Matched by all else: {words or 'no two trials differ in the family alone'}</sup>"
        },
        template="plotly_white",
        showlegend=False,
        height=640,
        margin={"l": 60, "r": 30, "t": 110, "b": 60},
    )
    if trials.empty:
        figure.add_annotation(text="No trial has a family yet.", showarrow=False, xref="paper", yref="paper")
    return figure


def matched(study):
    """Mean differences of the score between trials that agree in every parameter but the family's own."""
    scored = study.completed
    own = ("family", "limit", "reference_point", "boundary")
    shared = [name for name in scored.columns if name.startswith("param.") and not name[6:].startswith(own)]
    if scored.empty or not shared:
        return []
    pairs = []
    groups = scored.assign(key=scored[shared].astype(str).agg("|".join, axis=1)).groupby("key")
    tables = [group.groupby("family")["value"].mean() for _, group in groups]
    for first, second in (("ar", "classic"), ("ar_bn", "bn"), ("bn", "classic"), ("ar_bn", "classic")):
        differences = [table[first] - table[second] for table in tables if first in table and second in table]
        if differences:
            pairs.append((f"{first} - {second}", sum(differences) / len(differences), len(differences)))
    return pairs
