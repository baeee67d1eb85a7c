import numpy as np
import pytest

from arnn_search.errors import TrackingError
from arnn_search.tracking.registry import ALIAS, register_model, run_of_trial
from arnn_search.tracking.store import ensure_store


@pytest.fixture
def model(tmp_path):
    import keras

    inputs = keras.Input((3,))
    network = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(inputs))
    network.save(tmp_path / "model.keras")
    return tmp_path / "model.keras"


def _register(model, uri, run_id):
    return register_model(
        model,
        "small-net",
        tracking_uri=uri,
        run_id=run_id,
        metrics={"exported_val_accuracy": 0.5},
        tags={"arnn.trial": "3"},
        metadata={"study": "s"},
        requirements=["keras", "tensorflow"],
    )


def test_registered_version_is_the_champion_and_linked_to_the_run(model, tmp_path):
    from mlflow import MlflowClient, pyfunc

    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    ensure_store(uri)
    client = MlflowClient(uri)
    experiment = client.create_experiment("e", (tmp_path / "artifacts").as_uri())
    run_id = client.create_run(experiment).info.run_id
    client.set_terminated(run_id, "FINISHED", end_time=12345)
    first, second = (_register(model, uri, run_id) for _ in range(2))
    assert (first.version, second.version) == (1, 2)
    champion = client.get_model_version_by_alias("small-net", ALIAS)
    assert (int(champion.version), champion.run_id) == (2, run_id)
    assert champion.tags["arnn.trial"] == "3"
    loaded = pyfunc.load_model(second.uri)
    assert loaded.metadata.signature is not None
    assert np.asarray(loaded.predict(np.ones((4, 3), "float32"))).shape == (4, 2)
    info = client.get_run(run_id).info
    assert (info.status, info.end_time) == ("FINISHED", 12345)


def test_run_that_is_not_there_is_one_message(model, tmp_path):
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    ensure_store(uri)
    with pytest.raises(TrackingError, match="MLflow did not register 'small-net'"):
        _register(model, uri, "0" * 32)


def test_trial_without_a_run_says_what_to_do(tmp_path):
    with pytest.raises(TrackingError, match="arnn-search sync"):
        run_of_trial(tmp_path, 3)
