"""The same proposals through this project with everything on, KerasTuner's own search, and an Optuna loop.

`python -m benchmarks.peers` runs, in turn, each from its command to its end in a process of its own:

- `arnn-search run`: gradients followed, MLflow fed, dashboards drawn, checkpoints, the best models kept;
- `tuner.search` of KerasTuner, its oracle answering with the proposals of that study;
- `study.optimize` of Optuna, the same proposals enqueued, with optuna-integration's Keras callback and
  MLflow's autologging (without the models, which it would take seconds each to log).

Nothing is pruned, so that all train the same epochs. The peers train one network at a time, on both cores.
They need `pip install optuna-integration tensorboard`; without the latter KerasTuner does not search on
TensorFlow.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measurement import Figure, interleave, publish, ratio, spread
from benchmarks.study_command import run_study_command, unpinned

_BATCH_SIZE = 32


def main() -> None:
    """Runs the benchmark, or, given a peer's name, that peer in this process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--space", default="conv-classifier")
    parser.add_argument("--peer", choices=sorted(_PEERS))
    parser.add_argument("--proposals", type=Path)
    arguments = parser.parse_args()
    if arguments.peer:
        proposals = json.loads(arguments.proposals.read_text())
        _PEERS[arguments.peer](arguments.proposals.parent, **proposals)
        return
    with tempfile.TemporaryDirectory() as folder:
        seconds = _compare(Path(folder), arguments)
    ours = spread(seconds["ours"]).median
    figures = [
        Figure(
            f"ours / {peer}",
            ratio(seconds, "ours", peer),
            goal=1,
            beside=f"{ours:.1f} s and {spread(seconds[peer]).median:.1f} s",
        )
        for peer in _PEERS
    ]
    settings = {"rounds": arguments.rounds, "trials": arguments.trials, "epochs": arguments.epochs}
    settings |= {"space": arguments.space, "batch_size": _BATCH_SIZE, "data": "digits"}
    publish("peers", figures, settings=settings)


def _compare(folder: Path, arguments: argparse.Namespace) -> dict[str, list[float]]:
    proposals = folder / "proposals.json"

    def ours() -> None:
        settings = {
            "space": arguments.space,
            "data": "digits",
            "trials": arguments.trials,
            "epochs": arguments.epochs,
            "batch-size": _BATCH_SIZE,
            "sampler": "random",
            "pruner": "none",
        }
        study = run_study_command(Path(tempfile.mkdtemp(dir=folder)) / "study", settings).study
        content = {
            "space": arguments.space,
            "data": str(study.data_directory),
            "epochs": arguments.epochs,
            "parameters": [trial.parameters for trial in study.trials],
        }
        proposals.write_text(json.dumps(content))  # for the peers that follow

    def peer(name: str) -> None:
        place = Path(tempfile.mkdtemp(dir=folder))
        shutil.copyfile(proposals, place / "proposals.json")
        command = [sys.executable, "-m", "benchmarks.peers", "--peer", name]
        environment = unpinned() | {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        command += ["--proposals", str(place / "proposals.json")]
        subprocess.run(command, check=True, capture_output=True, env=environment)

    variants: dict[str, Callable[[], Any]] = {"ours": ours}
    variants |= {name: lambda name=name: peer(name) for name in _PEERS}
    return interleave(variants, rounds=arguments.rounds, warm_up=0)


def _with_keras_tuner(
    place: Path, *, space: str, data: str, epochs: int, parameters: list[dict[str, Any]]
) -> None:
    import keras_tuner

    from arnn_search import load_space
    from arnn_search.data import open_prepared

    class Given(keras_tuner.Oracle):  # type: ignore[misc]
        def populate_space(self, trial_id: str) -> dict[str, Any]:
            return {"status": "RUNNING", "values": parameters[int(trial_id)]}

    prepared = open_prepared(Path(data))
    hypermodel = load_space(space).hypermodel(prepared)
    oracle = Given(objective=keras_tuner.Objective("val_accuracy", "max"), max_trials=len(parameters))
    tuner = keras_tuner.Tuner(oracle=oracle, hypermodel=hypermodel, directory=place, project_name="peer")
    tuner.search(
        *prepared.train(),
        validation_data=prepared.validation(),
        epochs=epochs,
        batch_size=_BATCH_SIZE,
        verbose=0,
    )
    assert len(tuner.oracle.trials) == len(parameters)


def _with_optuna(
    place: Path, *, space: str, data: str, epochs: int, parameters: list[dict[str, Any]]
) -> None:
    import keras
    import mlflow
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend
    from optuna_integration import KerasPruningCallback

    from arnn_search import load_space
    from arnn_search.data import open_prepared
    from arnn_search.spaces.hyperparameters import AskingHyperParameters

    mlflow.set_tracking_uri(f"sqlite:///{place / 'mlflow.db'}")
    mlflow.tensorflow.autolog(log_models=False, log_datasets=False)
    prepared, built = open_prepared(Path(data)), load_space(space)

    def objective(trial: optuna.Trial) -> float:
        keras.utils.clear_session()
        with mlflow.start_run(run_name=f"trial {trial.number}"):
            hyperparameters = AskingHyperParameters(lambda parameter: parameter.suggest(trial))
            model = built.build(hyperparameters, prepared.spec)
            history = model.fit(
                *prepared.train(),
                validation_data=prepared.validation(),
                epochs=epochs,
                batch_size=_BATCH_SIZE,
                callbacks=[KerasPruningCallback(trial, "val_accuracy")],
                verbose=0,
            )
            mlflow.log_params(trial.params)
        return float(max(history.history["val_accuracy"]))

    storage = JournalStorage(JournalFileBackend(str(place / "journal")))
    study = optuna.create_study(storage=storage, direction="maximize", pruner=optuna.pruners.NopPruner())
    for values in parameters:
        study.enqueue_trial(values)
    study.optimize(objective, n_trials=len(parameters))
    runs = mlflow.search_runs(search_all_experiments=True)
    assert len(runs) == len(parameters)
    assert runs["metrics.val_accuracy"].notna().all()


_PEERS: dict[str, Callable[..., None]] = {"KerasTuner": _with_keras_tuner, "Optuna": _with_optuna}


if __name__ == "__main__":
    main()
