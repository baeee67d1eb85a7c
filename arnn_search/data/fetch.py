"""Run as a script: fetch a data set through keras.datasets and write its arrays to an npz file."""

import socket
import sys

import numpy as np

_TIMEOUT_SECONDS = 30


def main(name: str, path: str) -> None:
    """Fetch `keras.datasets.<name>` and write `x`, `y`, `x_test`, `y_test` to `path`."""
    # Keras sets no timeout of its own: a network that swallows packets would hold the run for ever.
    socket.setdefaulttimeout(_TIMEOUT_SECONDS)
    import keras

    (x, y), (x_test, y_test) = getattr(keras.datasets, name).load_data()
    np.savez(path, x=x, y=y, x_test=x_test, y_test=y_test)


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2])
    except Exception as error:
        # The parent shows the last line of the error stream, so it must be one line.
        print(" ".join(f"{type(error).__name__}: {error}".split()), file=sys.stderr)
        sys.exit(1)
