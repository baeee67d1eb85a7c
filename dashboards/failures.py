"""What went wrong: trials that failed or were stopped, by reason, with what was said."""

import textwrap

import plotly.graph_objects as go


def render(study):
    ended = study.trials[~study.trials["state"].isin(("completed", "running"))]
    groups = [
        (state, reason, len(rows), ", ".join(map(str, rows.index[:12])), rows["message"].iloc[-1])
        for (state, reason), rows in ended.groupby(["state", "reason"])
    ]
    groups.sort(key=lambda group: -group[2])
    columns = list(zip(*groups, strict=True)) or [[], [], [], [], []]
    messages = ["<br>".join(textwrap.wrap(message, 70)) for message in columns[4]]
    figure = go.Figure(
        go.Table(
            columnwidth=[12, 22, 8, 22, 60],
            header={
                "values": [
                    f"<b>{name}</b>" for name in ("state", "reason", "trials", "which", "last message")
                ],
                "align": "left",
            },
            cells={"values": [*map(list, columns[:4]), messages], "align": "left", "height": 26},
        )
    )
    words = (
        f"{len(ended)} of {len(study.trials)} trials did not complete" if len(ended) else "no trial failed"
    )
    figure.update_layout(title=f"{study.name}: {words}", template="plotly_white", height=640)
    return figure
