"""What it costs to follow a study in MLflow, and what a server that is away costs the training.

`python -m benchmarks.tracking` reports 200 trials of 50 epochs and 12 layers as a supervisor does, into a
new SQLite store, renders every dashboard of that study, and then trains beside a real server that is stopped
for a minute, and beside one that is not. Half of the trials have auto-rotating layers, which report a limit
each.
"""

import argparse
import multiprocessing
import os
import resource
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.measurement import Figure, pin_threads, publish, spread

_SECONDS_PER_TRIAL = 10.0
_LAYERS = tuple(f"{number:02d}_layer" for number in range(12))
_METRICS = ("loss", "accuracy", "val_loss", "val_accuracy")
_HEALTH = ("score", "vanishing_index", "collapse", "uniformity", "stability", "saturation")


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--away", type=float, default=60.0, help="seconds without the server")
    parser.add_argument("--rounds", type=int, default=2, help="of training with and without the server")
    parser.add_argument("--part", choices=["large", "away"], help="by default both")
    arguments = parser.parse_args()
    pin_threads(1)
    settings = vars(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments.part != "away":
            figures = _large_study(folder, trials=arguments.trials, epochs=arguments.epochs)
            publish("tracking", figures, settings=settings)
        if arguments.part != "large":
            figures = _server_away(folder, seconds=arguments.away, rounds=arguments.rounds)
            publish("server_away", figures, settings=settings)


def _large_study(folder: Path, *, trials: int, epochs: int) -> list[Figure]:
    from arnn_search.tracking import ensure_store, resolve_uri
    from arnn_search.tracking.dashboards.publication import Publication
    from arnn_search.tracking.pages import StudyLocation

    uri = resolve_uri(folder=folder, environment={})
    ensure_store(uri)
    before = _cpu_seconds()
    tracker = _tracker(folder / "large", uri)
    longest = 0.0
    for number in range(trials):
        longest = max(longest, _report_trial(tracker, number, epochs=epochs, folder=folder))
    tracker.end_study("completed")
    begun = time.perf_counter()
    while tracker.pending:
        tracker.flush(60)
    waited = time.perf_counter() - begun
    location = StudyLocation("large", tracker.experiment_id, tracker.run_id(None))
    tracker.close(10.0)
    share = 100 * (_cpu_seconds() - before) / (trials * _SECONDS_PER_TRIAL)
    before, begun = _cpu_seconds(), time.perf_counter()
    warnings = Publication(uri, location, directory=folder, cache=folder / "cache").run()
    rendered, busy = time.perf_counter() - begun, _cpu_seconds() - before
    assert not warnings, warnings
    pages = sorted((folder / "mlruns").rglob("dashboards/*.html"))
    largest = max(page.stat().st_size for page in pages) / 1e6
    beside = f"all processor time; {waited:.0f} s until the last point was there"
    return [
        Figure("logging / training of 10 s per trial", _one(share), unit="%", goal=2.0, beside=beside),
        Figure("longest a trial's reports took", _one(longest), unit="s", beside=f"{epochs} epochs"),
        Figure(
            f"reading and rendering {len(pages)} dashboards",
            _one(rendered),
            unit="s",
            goal=10.0,
            beside=f"the whole program, imports included; {busy:.1f} s of processor time",
        ),
        Figure("largest page", _one(largest), unit="MB", goal=6.0),
    ]


def _report_trial(tracker: Any, number: int, *, epochs: int, folder: Path) -> float:
    """What the supervisor and the trial tell of one trial; the seconds that it took."""
    import numpy as np

    generator = np.random.default_rng(number)
    family = ("classic", "ar", "bn", "ar_bn")[number % 4]
    gradients = 10 ** generator.uniform(-3, -1, (epochs, len(_LAYERS))).astype("float32")
    arrays = {"gradient_rms": gradients, "layers": np.array(_LAYERS)}
    params = {"family": family, "activation": ("tanh", "relu")[number % 3 % 2], "width": number % 7}
    params |= {"depth": len(_LAYERS), "learning_rate": float(10 ** generator.uniform(-4, -2))}
    if family.startswith("ar"):
        params |= {"limit_mode": ("fixed", "learnable")[number // 4 % 2], "limit_factor": 1.5}
        drift = generator.normal(0, 0.02, (epochs, len(_LAYERS))).cumsum(axis=0)
        limits = (1.5 + drift * (params["limit_mode"] == "learnable")).astype("float32")
        arrays |= {"limit": limits, "limit_layers": np.array(_LAYERS)}
    path = folder / "arrays" / str(number) / "gradients.npz"
    path.parent.mkdir(parents=True)
    begun = time.perf_counter()
    tracker.start_trial(number, tags={"arnn.device": f"cpu:{number % 2}", "arnn.attempt": 1})
    tracker.set_tags(number, {"arnn.family": family, "arnn.architecture": f"{number:016x}"})
    tracker.log_params(number, params)
    for epoch in range(1, epochs + 1):
        values = {name: float(generator.uniform()) for name in _METRICS}
        values |= {f"health/{name}": float(generator.uniform()) for name in _HEALTH}
        for name in ("gradient_rms", "limit"):
            row = arrays[name][epoch - 1].tolist() if name in arrays else []
            values |= {f"{name}/{layer}": value for layer, value in zip(_LAYERS, row, strict=False)}
        tracker.log_metrics(number, values, step=epoch)
    np.savez_compressed(path, **arrays)
    tracker.log_gradients(number, path)
    tracker.log_metrics(number, {"best_val_accuracy": float(generator.uniform())}, step=epochs)
    tracker.end_trial(number, "completed", "completed")
    return time.perf_counter() - begun


def _server_away(folder: Path, *, seconds: float, rounds: int) -> list[Figure]:
    taken: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    lost = 0
    for index in range(rounds):
        for is_away in (True, False) if index % 2 == 0 else (False, True):
            times, missing = _train_beside_server(
                folder / f"away-{index}-{is_away}", seconds=seconds, is_away=is_away
            )
            taken[is_away].append(times)
            lost += missing
    pairs = list(zip(taken[True], taken[False], strict=True))
    own, wall = ([away[part] / there[part] for away, there in pairs] for part in (0, 1))
    beside = "processor time and waiting for the supervisor's answers: without what else the machine does"
    return [
        Figure(f"training, server away for {seconds:.0f} s / there", spread(own), goal=1.03, beside=beside),
        Figure("the same by the clock", spread(wall)),
        Figure("points that MLflow lacks afterwards", _one(lost), unit="points", goal=0.0),
    ]


def _train_beside_server(folder: Path, *, seconds: float, is_away: bool) -> tuple[tuple[float, float], int]:
    """Seconds of an epoch, of it alone and by the clock; and how many points MLflow has not got."""
    from mlflow import MlflowClient

    from arnn_search.tracking import ensure_store, resolve_uri, serve, stop_server

    folder.mkdir()
    store = resolve_uri(folder=folder, environment={})
    ensure_store(store)
    server, base = serve(store, port=5300)
    tracker = _tracker(folder / "study", base)
    tracker.start_trial(0, tags={"arnn.family": "classic"})
    ours, theirs = multiprocessing.Pipe()
    # It goes on from before the server stops until after it is back.
    training = multiprocessing.Process(target=_train, args=(theirs, seconds * 1.5))
    training.start()
    keeper = ThreadPoolExecutor(1)  # as outside: the supervisor does not wait for a server
    back = keeper.submit(_stay_away, server, store, base, seconds) if is_away else None
    epoch = 0
    times: tuple[float, float] | None = None
    while times is None:
        if ours.poll(0.1):
            message = ours.recv()
            if isinstance(message, tuple):
                times = message
            else:
                epoch += 1
                tracker.log_metrics(0, {f"gradient_rms/{layer}": message for layer in _LAYERS}, step=epoch)
                ours.send(False)  # whether to stop, which a trial waits for
    training.join()
    server = back.result() if back is not None else server
    keeper.shutdown()
    tracker.end_trial(0, "completed", "completed")
    deadline = time.monotonic() + 120
    while tracker.pending and time.monotonic() < deadline:
        tracker.flush(10)
    run = tracker.run_id(0)
    client = MlflowClient(store)
    kept = sum(len(client.get_metric_history(run, f"gradient_rms/{layer}")) for layer in _LAYERS)
    tracker.close(5.0)
    stop_server(server)
    return times, epoch * len(_LAYERS) - kept


def _stay_away(server: Any, store: str, base: str, seconds: float) -> Any:
    """Stops a server soon, and starts it again at the same address after a while; the new process."""
    from arnn_search.tracking import serve, stop_server

    time.sleep(seconds * 0.2)
    stop_server(server)
    time.sleep(seconds)
    server, address = serve(store, port=int(base.rpartition(":")[2]))
    assert address == base, f"The server is at {address} now; it was at {base}."
    return server


def _train(supervisor: Connection, seconds: float) -> None:
    """Epochs of about half a second of work.

    Sends a number after each epoch and waits for an answer, as a trial does; at the end the seconds of an
    epoch: those of its own work and of waiting for answers, and those by the clock.
    """
    import numpy as np

    matrix = np.random.default_rng(0).random((400, 400))
    begun, begun_work, waited, num_epochs = time.perf_counter(), time.process_time(), 0.0, 0
    while time.perf_counter() - begun < seconds:
        num_epochs += 1
        for _ in range(120):
            matrix = matrix @ matrix
            matrix /= np.abs(matrix).max()
        asked = time.perf_counter()
        supervisor.send(float(matrix[0, 0]))
        supervisor.recv()
        waited += time.perf_counter() - asked
    own = time.process_time() - begun_work + waited
    supervisor.send((own / num_epochs, (time.perf_counter() - begun) / num_epochs))


def _tracker(directory: Path, uri: str) -> Any:
    from arnn_search.tracking import Tracker

    tracker = Tracker(
        directory, study=directory.name, study_id=directory.name, tracking_uri=uri, experiment="arnn-search"
    )
    tracker.start_study({"space": "none"}, {"arnn.metric": "val_accuracy", "arnn.direction": "maximize"})
    return tracker


def _cpu_seconds() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = os.times()
    return own.user + own.system + children.ru_utime + children.ru_stime


def _one(value: float) -> Any:
    return spread([value])


if __name__ == "__main__":
    main()
