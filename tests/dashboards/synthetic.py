"""A study that nobody trained: plausible numbers of every kind, for tables in memory or for a real MLflow."""

from pathlib import Path

import numpy as np

from arnn_search.tracking.study_view import StudyView

FAMILIES = ("classic", "ar", "bn", "ar_bn")
NUM_EPOCHS = 8
_FAILURES = (
    (
        "failed",
        "out of memory",
        "ResourceExhaustedError: OOM when allocating a tensor of shape [4096, 4096].",
    ),
    ("failed", "diverged", "The training loss was nan after epoch 2."),
    (
        "failed",
        "killed by signal 9",
        "The trial's process was killed by signal 9. Its last line: <b>none</b>",
    ),
    ("infeasible", "too many weights", "The model has 12,345,678 weights; the study allows 1,000,000."),
)


def trials(count: int = 40, *, seed: int = 0) -> list[dict]:
    """Trials as plain data: every family and state, limits fixed and learnable, layers that differ."""
    generator = np.random.default_rng(seed)
    return [_trial(number, generator) for number in range(count)]


def _trial(number, generator):
    family = FAMILIES[number % 4]
    activation = ("tanh", "relu", "sigmoid")[(number // 4) % 3]
    params = {
        "family": family,
        "activation": activation,
        "learning_rate": float(10 ** generator.uniform(-4, -2)),
    }
    params |= {"width": int(generator.choice([8, 16, 32])), "depth": int(generator.integers(2, 7))}
    if family.startswith("ar"):
        params |= {"limit_mode": ("fixed", "learnable")[(number // 8) % 2]}
        params |= {"limit_factor": float(generator.uniform(0.5, 2)), "reference_point": "uniform"}
    state, reason, message = "completed", "completed", ""
    if number % 7 == 6:
        state, reason, message = "pruned", "pruner", "Stopped after epoch 3."
    if number % 10 == 9:
        state, reason, message = _FAILURES[(number // 10) % 4]
    num_epochs = {"completed": NUM_EPOCHS, "pruned": 3, "failed": 2, "infeasible": 0}[state]
    layers = [f"{'auto_rot_' * family.startswith('ar')}conv2d_{n}" for n in range(params["depth"])] + [
        "output"
    ]
    learns, factor = params.get("limit_mode") == "learnable", params.get("limit_factor", 1.0)
    arrays = _arrays(family, layers, num_epochs, generator, learns=learns, factor=factor)
    return {
        "number": number,
        "state": state,
        "reason": reason,
        "message": message,
        "device": f"gpu:{number % 3}",
        "params": params,
        "epochs": _epochs(family, num_epochs, arrays, generator),
        "arrays": arrays,
        "num_weights": 1000 * params["width"] * params["depth"],
        "architecture": f"{number:016x}",
    }


def _arrays(family, layers, num_epochs, generator, *, learns, factor):
    slope = {"classic": 0.8, "ar": 0.15, "bn": 0.25, "ar_bn": 0.1}[family]
    depth = np.arange(len(layers))[::-1]
    noise = generator.normal(0, 0.15, (num_epochs, len(layers))).cumsum(axis=0)
    rotating = layers[:-1] if family.startswith("ar") else []
    drift = generator.normal(0.02, 0.05, (num_epochs, len(rotating))).cumsum(axis=0)
    return {
        "layers": np.array(layers, dtype=np.str_),
        "gradient_rms": 10 ** (-1.5 - slope * depth + noise).astype(np.float32),
        "saturation_layers": np.array(layers[:-1], dtype=np.str_),
        "saturation": generator.uniform(0, 0.4, (num_epochs, len(layers) - 1)).astype(np.float32),
        "limit_layers": np.array(rotating, dtype=np.str_),
        "limit": (1.5 * factor + drift * learns).astype(np.float32),
    }


def _epochs(family, num_epochs, arrays, generator):
    top = {"classic": 0.82, "ar": 0.9, "bn": 0.92, "ar_bn": 0.95}[family] + generator.normal(0, 0.03)
    rows = []
    for epoch in range(1, num_epochs + 1):
        logs = np.log10(arrays["gradient_rms"][epoch - 1])
        accuracy = float(np.clip(top - 0.5 * np.exp(-0.6 * epoch) + generator.normal(0, 0.01), 0, 1))
        rows.append(
            {
                "loss": 1.2 - accuracy,
                "accuracy": accuracy,
                "val_loss": 1.25 - accuracy,
                "val_accuracy": accuracy - 0.02,
                "learning_rate": 1e-3,
                "health/score": float(np.exp(-logs.std())),
                "health/vanishing_index": float(logs[0] - logs[-1]),
                "health/collapse": float(logs.min() - logs.max()),
                "health/uniformity": float(logs.std()),
                "health/stability": float(generator.uniform(0.05, 0.4)),
                "health/saturation": float(arrays["saturation"][epoch - 1].mean()),
            }
        )
    return rows


def view(rows=None, **more) -> StudyView:
    """The study as tables, without MLflow."""
    rows = trials() if rows is None else rows
    table, epochs = [], []
    metric = more["objectives"][0].metric if "objectives" in more else "val_accuracy"
    sign = -1 if "loss" in metric else 1
    for row in rows:
        points = [{"trial": row["number"], "epoch": e, **m} for e, m in enumerate(row["epochs"], start=1)]
        epochs += points
        best = max(points, key=lambda point: sign * point[metric], default={})
        start, length = 100 * (row["number"] // 3), 30 + 7 * (row["number"] % 9)
        copied = ("number", "state", "reason", "message", "device", "num_weights", "architecture")
        table.append(
            {name: row[name] for name in copied}
            | {"score": best.get(metric, np.nan), "family": row["params"]["family"]}
            | {"started": f"2026-01-01T00:{start // 60:02d}:{start % 60:02d}Z", "seconds": length}
            | {"ended": f"2026-01-01T00:{(start + length) // 60:02d}:{(start + length) % 60:02d}Z"}
            | {"num_epochs": len(points)}
            | {f"param.{name}": value for name, value in row["params"].items()}
            | {f"metric.{n}": v for n, v in best.items() if n not in ("trial", "epoch")}
        )
    gradients = {row["number"]: row["arrays"] for row in rows if row["epochs"] and row["arrays"]}
    return StudyView.from_tables("synthetic", table, epochs=epochs, gradients=gradients, **more)


def write(tracker, rows, folder: Path) -> None:
    """The study as a supervisor reports it."""
    tracker.start_study({"space": "made-up", "epochs": NUM_EPOCHS}, {"arnn.metric": "val_accuracy"})
    tracker.set_tags(None, {"arnn.direction": "maximize"})
    for row in rows:
        number = row["number"]
        tracker.start_trial(number, tags={"arnn.device": row["device"], "arnn.attempt": 1})
        tracker.log_params(number, row["params"])
        tags = {"arnn.family": row["params"]["family"], "arnn.parameters": row["num_weights"]}
        tracker.set_tags(number, tags | {"arnn.architecture": row["architecture"]})
        for epoch, metrics in enumerate(row["epochs"], start=1):
            tracker.log_metrics(number, metrics, step=epoch)
        if row["epochs"]:
            path = folder / str(number) / "gradients.npz"
            path.parent.mkdir(parents=True, exist_ok=True)
            np.savez_compressed(path, **row["arrays"])
            tracker.log_artifact(number, path)
            best = max(metrics["val_accuracy"] for metrics in row["epochs"])
            tracker.log_metrics(number, {"best_val_accuracy": best}, step=len(row["epochs"]))
        if row["message"]:
            tracker.set_tags(number, {"arnn.message": row["message"]})
        tracker.end_trial(number, row["state"], row["reason"])
    tracker.end_study("completed")
