"""MLflow's model registry: an exported model as a version that is linked to its trial's run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from arnn_search.errors import TrackingError
from arnn_search.tracking.failures import reason_of
from arnn_search.tracking.paths import TrackingPaths
from arnn_search.tracking.progress import RunIds
from arnn_search.tracking.quiet import quiet

if TYPE_CHECKING:
    from mlflow import MlflowClient

ALIAS = "champion"
_TOLERANCE = 1e-4


@dataclass(frozen=True)
class RegisteredVersion:
    """A version in the model registry.

    Attributes:
        name: the registered model.
        version: its number.
        uri: what `mlflow.pyfunc.load_model` takes.
    """

    name: str
    version: int
    uri: str


def run_of_trial(tracking: Path, number: int) -> str:
    """The id of a trial's run in MLflow.

    Args:
        tracking: the study's tracking folder.
        number: the trial.

    Raises:
        TrackingError: MLflow holds no run of it yet.
    """
    run_id = RunIds.load(TrackingPaths(tracking).run_ids).of(number)
    if run_id is None:
        raise TrackingError(
            f"MLflow holds no run of trial {number} that a registered model could be linked to. "
            "`arnn-search sync` sends what is missing; a study with mlflow = false has no runs."
        )
    return run_id


def register_model(
    model: Path,
    name: str,
    *,
    tracking_uri: str,
    run_id: str,
    metrics: Mapping[str, float],
    tags: Mapping[str, str],
    metadata: Mapping[str, Any],
    requirements: Sequence[str],
) -> RegisteredVersion:
    """Logs a `.keras` file to its trial's run, registers it, and calls it the champion.

    The version is loaded again through `mlflow.pyfunc` before it gets the alias. Loads Keras: run it in a
    process that may.

    Args:
        model: the file; stock Keras layers only.
        name: the registered model; it is created if there is none.
        tracking_uri: MLflow's store.
        run_id: the trial's run.
        metrics: logged to the model.
        tags: of the version.
        metadata: kept in the model's `MLmodel` file.
        requirements: what loading it needs, as pip takes it.

    Raises:
        TrackingError: MLflow does not take it, or gives it back otherwise.
    """
    import keras

    loaded = keras.saving.load_model(model)
    sample = np.zeros((2, *loaded.input_shape[1:]), dtype=np.float32)
    expected = loaded.predict(sample, verbose=0)
    try:
        with quiet():
            import mlflow
            from mlflow import MlflowClient
            from mlflow.models import infer_signature

            mlflow.set_tracking_uri(tracking_uri)
            client = MlflowClient(tracking_uri)
            before = client.get_run(run_id).info
            try:
                with mlflow.start_run(run_id=run_id):
                    logged = mlflow.tensorflow.log_model(  # type: ignore[attr-defined,unused-ignore]
                        loaded,
                        name="model",
                        signature=infer_signature(sample, expected),
                        pip_requirements=list(requirements),
                        registered_model_name=name,
                        metadata=dict(metadata),
                    )
                    mlflow.log_metrics(dict(metrics), model_id=logged.model_id)
            finally:
                # The run ended when its trial did, not now.
                client.set_terminated(run_id, before.status, before.end_time)
            version = int(logged.registered_model_version)
            uri = f"models:/{name}/{version}"
            found = mlflow.pyfunc.load_model(uri).predict(sample)
            _finish(client, name, version, tags, is_right=_agrees(found, expected))
    except TrackingError:
        raise
    except Exception as error:
        raise TrackingError(f"MLflow did not register {name!r}: {reason_of(error)}.") from error
    return RegisteredVersion(name, version, uri)


def _agrees(found: Any, expected: np.ndarray) -> bool:
    values = np.asarray(found)
    return values.shape == expected.shape and bool(np.allclose(values, expected, atol=_TOLERANCE))


def _finish(
    client: "MlflowClient", name: str, version: int, tags: Mapping[str, str], *, is_right: bool
) -> None:
    if not is_right:
        client.delete_model_version(name, str(version))
        raise TrackingError(f"MLflow gave {name!r} back with other outputs; the version was deleted again.")
    for key, value in tags.items():
        client.set_model_version_tag(name, str(version), key, value)
    client.set_registered_model_alias(name, ALIAS, str(version))
