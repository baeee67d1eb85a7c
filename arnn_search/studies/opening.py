"""Opening a study's ledger: a new one that is described, or one that is the same study still."""

import contextlib
import uuid
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import python_version

from filelock import FileLock, Timeout

from arnn_search.errors import StudyError
from arnn_search.spaces.discovery import SpaceFile
from arnn_search.studies.config import StudyConfig
from arnn_search.studies.config_file import config_as_toml, recorded_form, shared_configuration
from arnn_search.studies.layout import StudyLayout, mark_as_latest, new_layout, write_whole
from arnn_search.studies.ledger import Ledger, create_ledger, find_ledger, open_ledger
from arnn_search.studies.preparation import PreparedStudy
from arnn_search.studies.storage import exclusively, open_storage
from arnn_search.studies.warm_start import imported_as_json

_PACKAGES = ("arnn-search", "keras", "tensorflow", "jax", "torch", "optuna", "keras-tuner", "mlflow", "numpy")


@contextlib.contextmanager
def opened(
    config: StudyConfig, existing: StudyLayout | None, declaration: SpaceFile, prepared: PreparedStudy
) -> Iterator[tuple[StudyLayout, Ledger]]:
    """The study's folder and ledger, while no other supervisor on this machine has them.

    Raises:
        StudyError: it is running already, or it is another study by now: its space, data or configuration.
    """
    stem = f"{Path(config.data).stem}-{declaration.name}"
    layout = existing or new_layout(config.directory, config.study, stem=stem)
    lock = FileLock(layout.lock)
    try:
        lock.acquire(timeout=2)
    except Timeout:
        raise StudyError(
            f"Study {layout.name!r} is running already. Look at it with `arnn-search status {layout.name}`."
        ) from None
    with lock:
        if existing is not None:
            ledger = open_ledger(layout.directory, layout.name, storage=config.storage)
            _check_unchanged(layout.name, ledger, declaration, prepared)
        elif config.storage is None:
            ledger = create_ledger(layout.directory, layout.name, directions=prepared.objectives.directions)
            _describe(ledger, config, declaration, prepared)
        else:
            ledger = _joined(config, layout, declaration, prepared)
        write_whole(layout.space, declaration.text)
        write_whole(layout.config, config_as_toml(recorded_form(config, study=layout.name)))
        mark_as_latest(layout)
        yield layout, ledger


def _joined(
    config: StudyConfig, layout: StudyLayout, declaration: SpaceFile, prepared: PreparedStudy
) -> Ledger:
    """The shared ledger: that of the study as another machine has begun it, or a new one."""
    with exclusively(open_storage(layout.directory, config.storage), layout.name):
        ledger = find_ledger(layout.directory, layout.name, storage=config.storage)
        if ledger is None:
            ledger = create_ledger(
                layout.directory,
                layout.name,
                directions=prepared.objectives.directions,
                storage=config.storage,
            )
            _describe(ledger, config, declaration, prepared)
            return ledger
    recorded = ledger.attributes["configuration"]
    different = [
        f"{name}: {value} -> {own}"
        for name, value in recorded.items()
        if (own := getattr(config, name)) != value
    ]
    if different:
        raise StudyError(
            f"Study {layout.name!r} has been started on another machine with another configuration: "
            f"{'; '.join(different)}. Give the same, or the new study another --study name."
        )
    _check_unchanged(layout.name, ledger, declaration, prepared)
    return ledger


def _describe(ledger: Ledger, config: StudyConfig, declaration: SpaceFile, prepared: PreparedStudy) -> None:
    attributes = {
        "configuration": shared_configuration(config),
        "study_id": uuid.uuid4().hex,
        "space": declaration.name,
        "space_sha256": declaration.digest,
        "data": prepared.spec.name,
        "data_sha256": prepared.spec.content_hash,
        "data_key": prepared.directory.name,
        "metric": prepared.metric,
        "direction": prepared.objectives.primary.direction,
        "objectives": prepared.recorded_objectives,
        "imported": imported_as_json(prepared.imported),
        "versions": installed_versions(),
    }
    for name, value in attributes.items():
        ledger.set_attribute(name, value)


def _check_unchanged(name: str, ledger: Ledger, declaration: SpaceFile, prepared: PreparedStudy) -> None:
    recorded = ledger.attributes
    found = {
        "space_sha256": (declaration.digest, f"the search space ({declaration.path})"),
        "data_sha256": (prepared.spec.content_hash, f"the data ({prepared.spec.source})"),
        "metric": (prepared.metric, "the objective"),
    }
    changed = [what for key, (value, what) in found.items() if recorded.get(key) != value]
    if changed:
        raise StudyError(
            f"Study {name!r} cannot go on: {' and '.join(changed)} changed since it began. "
            "Start a new study, or bring the old content back."
        )


def installed_versions() -> dict[str, str]:
    """The versions that a study's numbers depend on."""
    versions = {"python": python_version()}
    for package in _PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            versions[package] = version(package)
    return versions
