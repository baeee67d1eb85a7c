"""Trials of another study, as something that an engine knows before its first proposal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    distribution_to_json,
    json_to_distribution,
)
from optuna.trial import FixedTrial, TrialState

from arnn_search.errors import StudyError
from arnn_search.spaces.parameters import Parameter, Value
from arnn_search.studies.config import make_config
from arnn_search.studies.config_file import read_config_file
from arnn_search.studies.engines.engine import PastTrial
from arnn_search.studies.engines.tuner_config import is_value_of, parameter_as_json
from arnn_search.studies.history import as_past_trial
from arnn_search.studies.layout import find_layout
from arnn_search.studies.ledger import open_ledger

_RESULTS = (TrialState.COMPLETE, TrialState.PRUNED)


@dataclass(frozen=True)
class Imported:
    """What was taken from another study.

    Attributes:
        trials: those that fit, as an engine sees them.
        misfits: one sentence for each kind of thing that does not fit, with how many trials it cost.
    """

    trials: tuple[PastTrial, ...] = ()
    misfits: tuple[str, ...] = ()


def import_trials(
    root: Path, name: str, *, objectives: Sequence[Sequence[str]], space: Sequence[Parameter]
) -> Imported:
    """Reads the trials of another study that have a result and fit this one.

    The space may have grown: other parameters, more choices, wider ranges. A value that the space no longer
    has makes its trial a misfit. Only parameters that the space's defaults ask for can be compared; a
    conditional one is taken as it was recorded.

    Args:
        root: the folder that holds the studies.
        name: the other study's name.
        objectives: this study's, as `[name, direction]`.
        space: the parameters that this study's space asks for by default.

    Raises:
        UnknownNameError: there is no study of this name.
        StudyError: it optimises something else.
    """
    layout = find_layout(root, name)
    storage = make_config(read_config_file(layout.config), source=str(layout.config)).storage
    ledger = open_ledger(layout.directory, layout.name, storage=storage)
    attributes = ledger.attributes
    recorded = attributes.get("objectives") or [[attributes["metric"], ledger.direction]]
    if [list(one) for one in recorded] != [list(one) for one in objectives]:
        raise StudyError(
            f"The trials of study {name!r} are of no use here: it optimises {_words(recorded)}, this one "
            f"{_words(objectives)}."
        )
    known = {parameter.name: parameter for parameter in space}
    fitting: list[PastTrial] = []
    costs: dict[str, int] = {}
    for trial in ledger.trials():
        if trial.state not in _RESULTS:
            continue
        problem = _misfit(trial.params, known)
        if problem:
            costs[problem] = costs.get(problem, 0) + 1
        else:
            fitting.append(_fitted(as_past_trial(trial), known))
    misfits = tuple(f"{count} of its trials: {problem}" for problem, count in costs.items())
    return Imported(tuple(fitting), misfits)


def imported_as_json(trials: Sequence[PastTrial]) -> list[dict[str, Any]]:
    """Imported trials as the ledger keeps them, so that the study no longer needs the other one."""
    return [
        {
            "state": past.state.name,
            "value": past.value,
            "values": list(past.values),
            "parameters": dict(past.parameters),
            "distributions": {name: distribution_to_json(one) for name, one in past.distributions.items()},
            "intermediate_values": {str(epoch): value for epoch, value in past.intermediate_values.items()},
            "rungs": {str(epoch): list(values) for epoch, values in past.rungs.items()},
            "constraints": dict(past.constraints),
            "asked": past.notes.get("asked"),
        }
        for past in trials
    ]


def imported_from_json(data: Sequence[Mapping[str, Any]]) -> tuple[PastTrial, ...]:
    """The trials that `imported_as_json` wrote."""
    return tuple(
        PastTrial(
            state=TrialState[one["state"]],
            value=one["value"],
            values=tuple(one["values"]),
            parameters=one["parameters"],
            distributions={name: json_to_distribution(text) for name, text in one["distributions"].items()},
            intermediate_values={int(epoch): value for epoch, value in one["intermediate_values"].items()},
            rungs={int(epoch): tuple(values) for epoch, values in one["rungs"].items()},
            constraints=one["constraints"],
            notes={} if one["asked"] is None else {"asked": one["asked"]},
        )
        for one in data
    )


def _misfit(values: Mapping[str, Value], known: Mapping[str, Parameter]) -> str:
    for name, value in values.items():
        if name in known and not is_value_of(known[name], value):
            shown = f"{value:.6g}" if isinstance(value, float) else repr(value)
            return f"{name}={shown} is not in the space any more"
    return ""


def _fitted(past: PastTrial, known: Mapping[str, Parameter]) -> PastTrial:
    """The trial as if it had been drawn from the space as it is now; without the other engine's notes."""
    distributions = {
        name: _distribution(known[name], past.parameters[name]) if name in known else recorded
        for name, recorded in past.distributions.items()
    }
    asked = past.notes.get("asked")
    notes: dict[str, Any] = {}
    if asked is not None:
        others = [one for one in asked if one["name"] not in known]
        notes["asked"] = others + [
            parameter_as_json(known[name]) for name in past.parameters if name in known
        ]
    return replace(past, distributions=distributions, notes=notes, opening={})


def _distribution(parameter: Parameter, value: Value) -> BaseDistribution:
    fixed = FixedTrial({parameter.name: value})
    parameter.suggest(fixed)
    return fixed.distributions[parameter.name]


def _words(objectives: Sequence[Sequence[str]]) -> str:
    return ", ".join(f"{direction} {name}" for name, direction in objectives)
