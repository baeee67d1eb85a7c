"""`run --plan`: what would run, and where and why there, without starting anything."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from arnn_search.studies.config import StudyConfig


def print_plan(values: Mapping[str, Any], *, resume: bool, json_output: bool) -> None:
    """Prints what a run with these configuration keys would do.

    Raises:
        ArnnSearchError: it could not run.
    """
    from arnn_search.execution.backends import chosen_backend
    from arnn_search.execution.slots import SlotPlan, plan_slots
    from arnn_search.spaces.discovery import find_space
    from arnn_search.studies.devices import device_request
    from arnn_search.studies.layout import find_layout
    from arnn_search.studies.search import resolve

    config, existing = resolve(values, resume=resume)
    space = find_space(config.space)
    request = device_request(config)
    if config.from_study is not None and existing is None:
        find_layout(config.directory, config.from_study)
    limits = _limits(config)
    if config.executor == "ray":
        where = config.address or "RAY_ADDRESS, or one started here"
        plan = SlotPlan((), (f"Those of the Ray cluster at {where}, which has to be asked.",))
    else:
        plan = plan_slots(request)
        if config.executor == "inline":
            plan = SlotPlan(plan.slots[:1], (*plan.reasons, "One trial at a time, in this process (inline)."))
    engine = config.sampler if config.engine == "optuna" else f"KerasTuner's {config.oracle}"
    backend = chosen_backend(config.backend)
    if json_output:
        document = {
            "study": existing.name if existing else config.study,
            "exists": existing is not None,
            "space": {"name": space.name, "path": str(space.path)},
            "backend": backend,
            "engine": engine,
            "pruner": config.pruner,
            "trials": config.trials,
            "epochs": config.epochs,
            "limits": limits,
            "reasons": list(plan.reasons),
            "slots": [
                {
                    "name": slot.name,
                    "device": slot.device,
                    "gpus": slot.gpus,
                    "threads": slot.threads,
                    "visible_gpus": slot.environment["CUDA_VISIBLE_DEVICES"],
                }
                for slot in plan.slots
            ],
        }
        typer.echo(json.dumps(document, indent=2))
        return
    typer.echo(f"Study: {existing.name if existing else config.study or 'a new one'}")
    typer.echo(f"Space: {space.name} ({space.origin}: {space.path})")
    typer.echo(f"Backend: {backend}")
    for reason in plan.reasons:
        typer.echo(f"Slots: {reason}")
    for slot in plan.slots:
        sees = slot.environment["CUDA_VISIBLE_DEVICES"]
        devices = "sees no GPU" if sees == "-1" else f"sees GPU {sees} only"
        typer.echo(f"Slot {slot.name}: {slot.threads} CPU {_threads(slot.threads)}, {devices}")
    for limit in limits:
        typer.echo(f"Limit: {limit}")
    typer.echo(f"{config.trials} trials of up to {config.epochs} epochs, {engine}, {config.pruner}.")


def _limits(config: "StudyConfig") -> list[str]:
    """What a trial must keep to, as far as the study was told."""
    refused = (
        ("max_parameters", config.max_parameters, "has more than {:,} weights"),
        ("max_latency_ms", config.max_latency_ms, "takes more than {:g} ms for one sample"),
        ("max_memory", config.max_memory, "is estimated to need more than {} to train"),
    )
    limits = [
        f"an architecture that {words.format(limit)} is not trained, but infeasible ({name})."
        for name, limit, words in refused
        if limit is not None
    ]
    if config.trial_memory is not None:
        limits.append(f"a trial whose process holds more than {config.trial_memory} is ended (trial_memory).")
    if config.gpu_memory != "growth":
        limits.append(
            f"{float(config.gpu_memory):.0%} of a GPU's memory for a trial that has one (gpu_memory)."
        )
    if config.trial_timeout is not None:
        limits.append(f"a trial that takes more than {config.trial_timeout:g} s is ended (trial_timeout).")
    return limits


def _threads(number: int) -> str:
    return "thread" if number == 1 else "threads"
