"""Starting a study or going on with one: everything is checked before the first trial is paid for."""

import contextlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from arnn_search.data.sources import check_source
from arnn_search.errors import ConfigurationError, StudyError
from arnn_search.execution import Executor, InlineExecutor, LocalExecutor, RayExecutor, Slot
from arnn_search.spaces.discovery import SpaceFile, find_space
from arnn_search.studies.admission import Admission
from arnn_search.studies.arrays import as_data_file
from arnn_search.studies.best_models import BestModels, Progress
from arnn_search.studies.checkpoints import open_checkpoints
from arnn_search.studies.conclusion import break_off, conclude
from arnn_search.studies.config import StudyConfig, make_config, study_steering
from arnn_search.studies.config_file import (
    differences,
    read_config_file,
    recorded_form,
)
from arnn_search.studies.devices import check_backend_sees, device_request
from arnn_search.studies.draft import Contest
from arnn_search.studies.engines.make import check_engine, make_engine
from arnn_search.studies.engines.seeds import trial_seed
from arnn_search.studies.history import HistoryView
from arnn_search.studies.layout import (
    StudyLayout,
    all_layouts,
    check_writable,
    data_cache,
    find_layout,
)
from arnn_search.studies.lease import Lease
from arnn_search.studies.ledger import Ledger
from arnn_search.studies.listener import StudyListener
from arnn_search.studies.opening import opened
from arnn_search.studies.preparation import PreparedStudy, prepare_study, with_imported
from arnn_search.studies.sizes import num_bytes
from arnn_search.studies.study import Study
from arnn_search.studies.supervisor import Supervisor
from arnn_search.studies.telling import catch_up
from arnn_search.studies.warm_start import imported_from_json
from arnn_search.tracking import NullTracker, Tracker, is_server, resolve_uri
from arnn_search.tracking.dashboards.background import DashboardPublisher
from arnn_search.tracking.paths import TrackingPaths
from arnn_search.trials.task import TrialTask

_TRIALS_BETWEEN_DIGESTS = 100


def search(
    space: str | Path = "conv-classifier",
    data: Any = "digits",
    *,
    num_trials: int = 8,
    resume: bool = False,
    listener: StudyListener | None = None,
    **settings: Any,
) -> Study:
    """Runs a study, the same way as `arnn-search run`.

    Args:
        space: the name of a search space, or a path to a `.py` file.
        data: the name or path of a data set as `--data` takes it, or a pair of arrays `(x, y)`.
        num_trials: trials in all, at least 1.
        resume: go on with the study `study=...`, or with the latest one.
        listener: is told what happens; see `arnn_search.studies.StudyListener`.
        **settings: any other key of `study.toml`.

    Returns:
        The study; `study.best_trial`, `study.to_frame()`, `study.export(path)`.

    Raises:
        ArnnSearchError: something that was given cannot be used; nothing has been started.

    Example:
        ```python
        study = arnn_search.search(space="dense-stack", data="breast-cancer", num_trials=20)
        study.export("best.keras")
        ```
    """
    values = dict(settings)
    if not resume:
        root = Path(settings.get("directory") or "arnn-studies")
        values |= {"space": str(space), "data": as_data_file(data, data_cache(root))}
    return run_study(values | {"trials": num_trials}, resume=resume, listener=listener)


def run_study(
    values: Mapping[str, Any], *, resume: bool = False, listener: StudyListener | None = None
) -> Study:
    """Runs a study from explicitly given configuration keys.

    Args:
        values: the keys that were given; everything else is recorded (if the study exists) or default.
        resume: insist on an existing study: the named one, or the latest.
        listener: is told what happens.

    Raises:
        ArnnSearchError: something that was given cannot be used; nothing has been started.
    """
    listener = listener or StudyListener()
    config, existing = resolve(values, resume=resume)
    _check_shareable(config)
    declaration = find_space(config.space)
    check_source(config.data)
    check_engine(config)
    check_writable(existing.directory if existing else config.directory)
    request = device_request(config)
    with _executor(config) as executor:
        slots = list(executor.plan_slots(request).slots)
        check_backend_sees(slots, executor)
        listener.preparing("Loading Keras, preparing data, trying the search space")
        prepared = prepare_study(config, declaration, executor)
        _check_race(config, prepared)
        if config.from_study is not None and existing is None:
            prepared = with_imported(prepared, config, listener)
        with opened(config, existing, declaration, prepared) as (layout, ledger):
            study = Study(layout.name, directory=layout.directory.parent, storage=config.storage)
            tracker = _tracker(config, layout, ledger, declaration, prepared)
            pages = _publisher(layout, ledger, tracker)
            pages.start()
            try:
                stopped = _supervise(
                    study, config, ledger, executor, slots, tracker, prepared, declaration, listener
                )
            finally:
                pages.stop()
            if stopped:
                farewell = break_off(tracker)
            else:
                farewell = conclude(study, ledger, executor, tracker, pages, batch_size=config.batch_size)
    listener.study_ended(study, farewell=farewell)
    return study


def resolve(values: Mapping[str, Any], *, resume: bool = False) -> tuple[StudyConfig, StudyLayout | None]:
    """The full configuration, and the study that it goes on with, if there is one.

    Raises:
        ConfigurationError: a key or a value that is not known.
        StudyError: the study exists with another configuration; says what differs.
        UnknownNameError: `resume`, but there is no such study.
    """
    values = {key: _absolute(key, value) for key, value in values.items() if value is not None}
    asked = make_config(values)
    existing = None
    if resume:
        existing = find_layout(asked.directory, asked.study)
    elif asked.study is not None:
        named = (layout for layout in all_layouts(asked.directory) if layout.name == asked.study)
        existing = next(named, None)
    if existing is None:
        return asked, None
    recorded = make_config(read_config_file(existing.config), source=str(existing.config))
    merged = make_config(recorded.model_dump() | values | {"study": existing.name})
    different = differences(recorded, merged)
    if different:
        raise StudyError(
            f"Study {existing.name!r} exists with another configuration: {'; '.join(different)}. "
            "Leave these away to go on with it, or give the new study another --study name."
        )
    return merged, existing


def _check_shareable(config: StudyConfig) -> None:
    if config.storage is None:
        return
    if config.study is None:
        raise ConfigurationError(
            "A study in a shared `storage` needs a name (--study), by which others join."
        )
    uri = resolve_uri(config.tracking_uri)
    if config.mlflow and not is_server(uri):
        raise ConfigurationError(
            "Machines that share a ledger need an MLflow server that all of them reach (--tracking-uri "
            f"http://...), or --no-mlflow. Received: {uri!r}."
        )


def _check_race(config: StudyConfig, prepared: PreparedStudy) -> None:
    race = study_steering(config).race
    steps = config.epochs * math.ceil(prepared.spec.num_train / config.batch_size)
    if race is not None and race.rungs[0] >= steps:
        raise ConfigurationError(
            f"A trial has {steps} steps, and the race would decide after {race.rungs[0]}: it would save "
            "nothing. Give a smaller batch, or --health-pruner-options race_first_rung=N."
        )


def _supervise(
    study: Study,
    config: StudyConfig,
    ledger: Ledger,
    executor: Executor,
    slots: list[Slot],
    tracker: Tracker | NullTracker,
    prepared: PreparedStudy,
    declaration: SpaceFile,
    listener: StudyListener,
) -> bool:
    """Runs trials; whether somebody has asked to stop at once."""
    layout = study.layout
    steering = study_steering(config)

    def make_task(number: int, attempt: int) -> TrialTask:
        return TrialTask(
            number=number,
            attempt=attempt,
            seed=trial_seed(config.seed, number),
            space=declaration.path,
            data=prepared.directory,
            directory=layout.trial(number),
            epochs=config.epochs,
            batch_size=config.batch_size,
            metric=prepared.metric,
            direction=prepared.objectives.primary.direction,
            precision=config.precision,
            steps_per_execution=config.steps_per_execution,
            deterministic=config.deterministic,
            telemetry=config.telemetry,
            checkpoints=config.checkpoints,
            probe=steering.probe is not None,
            health_rule=steering.rule,
            step_race=steering.race,
            measure_latency=config.max_latency_ms is not None or "latency_ms" in prepared.objectives.names,
        )

    best_models = BestModels(ledger, layout, keep=config.keep_models, average=config.duplicates == "repeat")
    progress = Progress(ledger, tracker)
    catch_up(ledger, layout, tracker, shared=config.storage is not None)
    progress.update()

    def on_trial_end(number: int) -> None:
        best_models.update()
        progress.update()
        if number % _TRIALS_BETWEEN_DIGESTS == 0:
            ledger.save_digest()

    order = config.order
    if order == "auto":
        repeats = config.storage is None and all(slot.device == "cpu" for slot in slots)
        order = "strict" if repeats else "free"
    engine = make_engine(
        config,
        study_name=layout.name,
        directions=prepared.objectives.directions,
        space=prepared.parameters,
        log=layout.oracle_log,
        imported=imported_from_json(ledger.attributes.get("imported", [])),
    )
    supervisor = Supervisor(
        ledger,
        engine,
        executor,
        slots,
        history=HistoryView(order, num_slots=len(slots), needs_values=engine.needs_values),
        tracker=tracker,
        listener=listener,
        make_task=make_task,
        objectives=prepared.objectives,
        prunes=config.pruner != "none",
        race=steering.race,
        contest=Contest(config.candidates_per_trial, config.candidate_steps),
        admission=Admission(
            max_parameters=config.max_parameters,
            max_latency_ms=config.max_latency_ms,
            max_memory=None if config.max_memory is None else num_bytes(config.max_memory),
            duplicates=config.duplicates,
            min_health=config.min_health,
            probe=steering.probe,
        ),
        on_trial_end=on_trial_end,
        trials=config.trials,
        timeout_seconds=config.timeout,
        trial_timeout_seconds=config.trial_timeout,
        retries=config.retries,
        lease=Lease(ledger, shared=config.storage is not None),
        checkpoints=open_checkpoints(ledger, config.checkpoint_directory),
    )
    done = sum(trial.state.is_finished() for trial in ledger.trials())
    listener.study_started(study, num_slots=len(slots), num_done=done)
    with contextlib.closing(engine):
        supervisor.run()
    if supervisor.is_exhausted:
        ledger.set_attribute("exhausted", True)
    return supervisor.is_stopped


def _tracker(
    config: StudyConfig,
    layout: StudyLayout,
    ledger: Ledger,
    declaration: SpaceFile,
    prepared: PreparedStudy,
) -> Tracker | NullTracker:
    if not config.mlflow:
        return NullTracker()
    recorded = ledger.attributes
    uri = recorded.get("tracking_uri") or resolve_uri(config.tracking_uri)
    ledger.set_attribute("tracking_uri", uri)
    tracker = Tracker(
        layout.tracking,
        study=layout.name,
        study_id=str(recorded["study_id"]),
        tracking_uri=uri,
        experiment=config.experiment,
    )
    # Of a shared study by whoever began it. A start that was cut off has told nothing.
    told_nothing = tracker.num_delivered + tracker.pending == 0
    is_new = told_nothing and (config.storage is None or "tracking_uri" not in recorded)
    tags = {f"arnn.version.{package}": number for package, number in recorded["versions"].items()}
    tags |= {"arnn.space": declaration.name, "arnn.space_sha256": declaration.digest}
    tags |= {"arnn.data": recorded["data"], "arnn.data_sha256": recorded["data_sha256"]}
    tags["arnn.metric"] = ",".join(prepared.objectives.names)
    tags["arnn.direction"] = ",".join(prepared.objectives.directions)
    tags["arnn.num_validation"] = prepared.spec.num_validation
    # MLflow takes a parameter once; what may change on resume is in the study.toml of each start.
    written = recorded_form(config, study=layout.name).model_dump()
    params = {name: value for name, value in written.items() if value is not None}
    tracker.start_study(
        params if is_new else {},
        tags,
        artifacts=[layout.config, layout.space],
    )
    tracker.save_view(recorded["metric"])
    return tracker


def _publisher(layout: StudyLayout, ledger: Ledger, tracker: Tracker | NullTracker) -> DashboardPublisher:
    return DashboardPublisher(
        tracker,
        uri=str(ledger.attributes.get("tracking_uri", "")),
        study=layout.name,
        directory=Path.cwd(),
        cache=TrackingPaths(layout.tracking).read_back,
    )


def _executor(config: StudyConfig) -> Executor:
    if config.executor == "inline":
        return InlineExecutor()
    memory = None if config.trial_memory is None else num_bytes(config.trial_memory)
    if config.executor == "ray":
        return RayExecutor(address=config.address, backend=config.backend, trial_memory=memory)
    return LocalExecutor(backend=config.backend, trial_memory=memory)


def _absolute(key: str, value: Any) -> Any:
    """Files are recorded by their absolute path, so that a study can be resumed from another folder."""
    if key == "checkpoint_directory" or (key == "space" and str(value).endswith(".py")):
        return str(Path(value).expanduser().resolve())
    if key == "data" and Path(str(value)).expanduser().exists():
        return str(Path(value).expanduser().resolve())
    return value
