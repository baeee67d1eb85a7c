import gzip
from pathlib import Path

import numpy as np
import pytest

from arnn_search.data.download import download
from arnn_search.errors import DataError


@pytest.fixture
def keras_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of Keras of our own, and a network that refuses every connection."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    for variable in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


def test_reads_what_keras_has_fetched_before(keras_home: Path) -> None:
    directory = keras_home / "datasets" / "fashion-mnist"
    directory.mkdir(parents=True)
    for stem, num_samples in (("train", 3), ("t10k", 2)):
        pixels = np.arange(num_samples * 28 * 28).astype(np.uint8)
        (directory / f"{stem}-images-idx3-ubyte.gz").write_bytes(gzip.compress(bytes(16) + pixels.tobytes()))
        (directory / f"{stem}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(bytes(8) + bytes(num_samples)))
    x, y, x_test, y_test = download("fashion-mnist")
    assert x.shape == (3, 28, 28)
    assert y.shape == (3,)
    assert x_test.shape == (2, 28, 28)
    assert y_test.shape == (2,)


def test_without_a_network_says_what_to_do(keras_home: Path) -> None:
    with pytest.raises(
        DataError, match=r"mnist is not on this machine .* check the network, or place its files in"
    ):
        download("mnist")
