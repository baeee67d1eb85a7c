"""Data sets that are fetched through keras.datasets, in a process of their own."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from arnn_search.data.raw import Array
from arnn_search.errors import DataError


def download(name: str) -> tuple[Array, Array, Array, Array]:
    """Load a data set of keras.datasets, from its cache or from the network.

    keras.datasets brings TensorFlow along, which the caller must not carry: a process of its own loads the
    arrays and leaves them in a file.

    Args:
        name: The module of keras.datasets, with `-` for `_`.

    Returns:
        `x`, `y` (`(samples,)`), `x_test`, `y_test`.

    Raises:
        DataError: The data set is not cached and cannot be fetched.
    """
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "arrays.npz")
        # Without -P the script's folder would be searched for modules first, and this room has an arrays.py.
        done = subprocess.run(
            [
                sys.executable,
                "-P",
                str(Path(__file__).with_name("fetch.py")),
                name.replace("-", "_"),
                str(path),
            ],
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
            capture_output=True,
            text=True,
        )
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise DataError(
                f"{name} is not on this machine and keras.datasets could not fetch it ({reason}): check the "
                f"network, or place its files in {keras_directory()}."
            )
        with np.load(path, allow_pickle=False) as arrays:
            return arrays["x"], arrays["y"].reshape(-1), arrays["x_test"], arrays["y_test"].reshape(-1)


def keras_directory() -> Path:
    """Where keras.datasets keeps what it fetched."""
    home = os.environ.get("KERAS_HOME")
    return (Path(home) if home else Path.home() / ".keras") / "datasets"
