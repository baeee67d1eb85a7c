"""Draws the pictures of the page on the Auto-Rotation, with the layers themselves.

    python docs/making/rotation_pictures.py [FOLDER]

writes SVG files into `docs/pictures`, or into another folder.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from matplotlib import rc_context
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from arnn_search import layers
from arnn_search.figures import BLUE, GREY, ORANGE, VERMILION
from arnn_search.health import GradientTelemetry

FOLDER = Path(__file__).parents[1] / "pictures"
_STYLE = {
    "svg.hashsalt": "arnn-search",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "figure.facecolor": "white",
}
_REGION = "#DDEBF7"
_UNITS = (50, 50, 40, 40, 30)


def unit() -> Figure:
    """One unit with one input: the line is turned about its zero, so that x_Q reaches L."""
    low, high, weight, bias, limit = 0.0, 1.0, 14.0, -5.0, layers.default_limit("sigmoid")
    layer = layers.AutoRotDense(1, activation="sigmoid", value_range=(low, high))
    layer.build((None, 1))
    layer.set_weights([np.array([[weight]]), np.array([bias])])
    rho = float(np.ravel(keras.ops.convert_to_numpy(layer.rho()))[0])
    reference = 2 * high - low
    x = np.linspace(-0.2, 2.2, 200)
    response = weight * x + bias
    figure = Figure(figsize=(9, 3.7), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.axhspan(-limit, limit, color=_REGION, label="dynamic region, −L to L")
    left.axvspan(low, high, color="#EEEEEE", zorder=0, label="where inputs lie")
    left.plot(x, response, color=GREY, label="f(x)")
    left.plot(x, rho * response, color=BLUE, label=f"ρ f(x), ρ = {rho:.3f}")
    left.plot([reference, reference], [0, limit], ":", color=VERMILION)
    left.plot([reference], [limit], "o", color=VERMILION, label="x_Q = 2 x_max − x_min: |ρ f(x_Q)| = L")
    left.plot([-bias / weight], [0], "o", color="black", markersize=4, label="f(x) = 0 stays where it is")
    left.set(ylim=(-8, 16), xlabel="x", title="pre-activation")
    right.axvspan(low, high, color="#EEEEEE", zorder=0)
    right.plot(x, _sigmoid(response), color=GREY, label="σ(f(x)): flat for most inputs")
    right.plot(x, _sigmoid(rho * response), color=BLUE, label="σ(ρ f(x)): steep for all of them")
    right.set(xlabel="x", title="activation", ylim=(-0.02, 1.02))
    for axes, columns in ((left, 2), (right, 1)):
        axes.legend(fontsize=7, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=columns)
    return figure


def regions() -> Figure:
    """What an activation's limit bounds: where its slope is not negligible."""
    figure = Figure(figsize=(9, 2.8), layout="constrained")
    z = np.linspace(-10, 10, 801)
    for axes, (name, function) in zip(
        figure.subplots(1, 3), (("sigmoid", _sigmoid), ("tanh", np.tanh), ("arctan", np.arctan)), strict=True
    ):
        limit = {"arctan": 7.0}.get(name) or layers.default_limit(name)
        slope = np.gradient(function(z), z)
        axes.axvspan(-limit, limit, color=_REGION)
        axes.plot(z, function(z), color="black", label="σ(z)")
        axes.plot(z, slope / slope.max(), color=ORANGE, linestyle="--", label="slope / largest slope")
        axes.set(title=f"{name}: L = {limit:g}", xlabel="z")
        left = float(np.interp(limit, z, slope) / slope.max())
        axes.text(limit + 0.3, left + 0.06, f"{left:.0%}", color=ORANGE, fontsize=8)
    figure.legend(
        *axes.get_legend_handles_labels(), fontsize=8, frameon=False, loc="outside lower center", ncols=2
    )
    return figure


def reference_points() -> Figure:
    """What the choice of x_Q does to many units that have just been initialised."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    inputs = np.random.default_rng(0).uniform(size=(200, 64)).astype("float32")
    keras.utils.set_random_seed(0)
    kernel = np.asarray(keras.initializers.GlorotUniform(seed=0)((64, 512)))
    responses, values = {}, {"classic": (inputs @ kernel).ravel()}
    for point in ("uniform", "aligned"):
        layer = layers.AutoRotDense(512, activation="sigmoid", reference_point=point, value_range=(0.0, 1.0))
        layer.build((None, 64))
        layer.set_weights([kernel, np.zeros(512)])
        responses[point] = np.abs(np.ravel(keras.ops.convert_to_numpy(layer.reference_response())))
        rho = np.ravel(keras.ops.convert_to_numpy(layer.rho()))
        values[f"{point}: ρ {np.median(rho):.1f} in the middle, {rho.max():.0f} at most"] = (
            inputs @ (kernel * rho)
        ).ravel()
    for (point, response), colour in zip(responses.items(), (BLUE, ORANGE), strict=True):
        left.hist(response, bins=np.linspace(0, 12, 49), color=colour, alpha=0.75, label=point)
    left.set(title="|f(x_Q)| of 512 new units", xlabel="near 0, ρ = L / |f(x_Q)| is large", ylabel="units")
    left.legend(fontsize=8, frameon=False)
    right.axvspan(-4, 4, color=_REGION)
    for (label, value), colour in zip(values.items(), (GREY, BLUE, ORANGE), strict=True):
        right.hist(
            np.clip(value, -12, 12), bins=np.linspace(-12, 12, 97), density=True, histtype="step",
            color=colour, label=label, linewidth=1.4,
        )  # fmt: skip
    right.set(title="their pre-activations on inputs in [0, 1]", xlabel="ρ f(x), cut at ±12", yscale="log")
    right.legend(fontsize=7, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.2))
    return figure


def boundaries() -> Figure:
    """ρ of one filter over the positions of a padded image, both ways."""
    figure = Figure(figsize=(6.4, 2.9), layout="constrained")
    maps = {}
    for boundary in ("padded", "interior"):
        keras.utils.set_random_seed(2)
        layer = layers.AutoRotConv2D(
            1, 3, padding="same", activation="sigmoid", boundary=boundary, value_range=(0.0, 1.0)
        )
        layer.build((None, 8, 8, 1))
        rho = keras.ops.convert_to_numpy(layer.rho())
        maps[boundary] = np.broadcast_to(np.squeeze(rho), (8, 8))
    scale = LogNorm(min(map(np.min, maps.values())), max(map(np.max, maps.values())))
    image: Any = None
    all_axes = figure.subplots(1, 2)
    for axes, (boundary, rho) in zip(all_axes, maps.items(), strict=True):
        image = axes.imshow(rho, norm=scale, cmap="viridis")
        axes.set(title=f'boundary="{boundary}"', xticks=[], yticks=[])
    figure.colorbar(image, ax=all_axes, label="ρ")
    return figure


def gradients() -> Figure:
    """The gradient of each layer of a deep sigmoid perceptron in its first epoch, from the same weights."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    x, y = (digits.data / 16).astype("float32"), digits.target
    figure = Figure(figsize=(9, 2.9), layout="constrained")
    for axes, activation in zip(figure.subplots(1, 2, sharey=True), ("sigmoid", "tanh"), strict=True):
        for (label, arguments), colour, line in zip(
            {
                "classic": None,
                "AR, uniform x_Q": {},
                "AR, aligned x_Q": {"reference_point": "aligned"},
            }.items(),
            (GREY, BLUE, ORANGE),
            ("-o", "-s", "--^"),
            strict=True,
        ):
            axes.semilogy(_first_epoch(x, y, activation, arguments), line, color=colour, label=label)
        axes.set(title=activation, xlabel="layer, from input to output", xticks=range(len(_UNITS) + 1))
        axes.grid(color="#E4E7EA", linewidth=0.6)
    figure.axes[0].set_ylabel("g: mean RMS gradient")
    figure.axes[0].legend(fontsize=8, frameon=False)
    return figure


PICTURES: dict[str, Callable[[], Figure]] = {
    "unit": unit,
    "regions": regions,
    "reference_points": reference_points,
    "boundaries": boundaries,
    "gradients": gradients,
}


def write(folder: Path) -> list[Path]:
    """Draws every picture into a folder; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    with rc_context(_STYLE):
        for name, draw in PICTURES.items():
            paths.append(folder / f"{name}.svg")
            draw().savefig(paths[-1], metadata={"Date": None})
    return paths


def _first_epoch(x: Any, y: Any, activation: str, rotation: dict[str, Any] | None) -> Any:
    keras.utils.set_random_seed(0)
    tensor = inputs = layers.Input((64,), value_range=(0.0, 1.0))
    for units in _UNITS:
        if rotation is None:
            tensor = keras.layers.Dense(units, activation)(tensor)
        else:
            tensor = layers.AutoRotDense(units, activation, **rotation)(tensor)
    model = keras.Model(inputs, keras.layers.Dense(10, "softmax")(tensor))
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    telemetry = GradientTelemetry(model)
    model.fit(x, y, batch_size=64, epochs=1, shuffle=False, verbose=0)
    return telemetry.read().mean_rms


def _sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


if __name__ == "__main__":
    for path in write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER):
        print(path)
