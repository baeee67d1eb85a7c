import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from arnn_search.data import PreparedData, RawData, load_source, prepare
from arnn_search.errors import ConfigurationError, DataError, UnknownNameError

Save = Callable[..., str]


def _numbered(num_samples: int) -> dict[str, np.ndarray]:
    """Samples that carry their own number, so that a part tells which it holds."""
    return {"x": np.arange(num_samples, dtype=float).reshape(-1, 1), "y": np.arange(num_samples) % 3}


def _numbers(x: np.ndarray) -> list[int]:
    return [int(value) for value in x[:, 0]]


def test_default_data_set(cache: Path) -> None:
    spec = prepare("digits", cache_directory=cache).spec
    assert (spec.name, spec.source, spec.task) == ("digits", "digits", "classification")
    assert (spec.input_shape, spec.input_dtype) == ((8, 8, 1), "float32")
    assert (spec.num_classes, spec.num_outputs, spec.class_names) == (10, 10, tuple("0123456789"))
    assert spec.value_range == (0.0, 1.0)
    assert (spec.num_train, spec.num_validation, spec.num_test) == (1257, 270, 270)
    assert spec.target_scaling is None


def test_parts_are_disjoint_and_cover_everything(save_npz: Save, cache: Path) -> None:
    prepared = prepare(save_npz(**_numbered(90)), scaling="none", cache_directory=cache)
    parts = [_numbers(part()[0]) for part in (prepared.train, prepared.validation, prepared.test)]
    assert sorted(number for part in parts for number in part) == list(range(90))
    for x, y in (prepared.train(), prepared.validation(), prepared.test()):
        np.testing.assert_array_equal(y, np.array(_numbers(x)) % 3)


def test_scaling_has_seen_the_training_part_alone(save_npz: Save, cache: Path) -> None:
    path = save_npz(**_numbered(90))
    plain = prepare(path, scaling="none", cache_directory=cache)
    rows = plain.train()[0].astype(np.float64)
    scaling = prepare(path, cache_directory=cache).spec.scaling
    np.testing.assert_allclose(scaling["offset"], rows.mean(axis=0))
    np.testing.assert_allclose(scaling["scale"], rows.std(axis=0))
    assert abs(scaling["offset"][0] - 44.5) > 1e-3


def test_values_outside_of_training_do_not_change_the_scaling(save_npz: Save, cache: Path) -> None:
    arrays = _numbered(30)
    outlier = {"x_test": np.full((3, 1), 1e6), "y_test": np.arange(3)}
    prepared = prepare(save_npz(**arrays, **outlier), scaling="minmax", cache_directory=cache)
    assert prepared.spec.value_range == (0.0, 1.0)
    assert prepared.test()[0].min() > 1e4


def test_targets_are_standardised_on_the_training_part(cache: Path) -> None:
    prepared = prepare("diabetes", cache_directory=cache)
    y = prepared.train()[1]
    np.testing.assert_allclose([y.mean(), y.std()], [0, 1], atol=1e-5)
    assert abs(float(prepared.test()[1].mean())) > 1e-3
    assert prepared.spec.num_outputs == 1


def test_own_parts_are_kept(save_npz: Save, cache: Path) -> None:
    train, own = _numbered(30), np.arange(100.0, 106.0).reshape(-1, 1)
    path = save_npz(
        x_train=train["x"], y_train=train["y"], x_val=own, y_val=np.arange(6) % 3, x_test=own + 10,
        y_test=np.arange(6) % 3,
    )  # fmt: skip
    prepared = prepare(path, scaling="none", cache_directory=cache)
    assert sorted(_numbers(prepared.train()[0])) == list(range(30))
    assert _numbers(prepared.validation()[0]) == list(range(100, 106))
    assert _numbers(prepared.test()[0]) == list(range(110, 116))


def test_training_part_can_be_limited(save_npz: Save, cache: Path) -> None:
    path = save_npz(**_numbered(90))
    full = prepare(path, scaling="none", cache_directory=cache)
    small = prepare(path, scaling="none", max_train_samples=12, cache_directory=cache)
    assert set(np.bincount(small.train()[1])) == {4}
    assert set(_numbers(small.train()[0])) < set(_numbers(full.train()[0]))
    assert _numbers(small.test()[0]) == _numbers(full.test()[0])
    assert _numbers(small.validation()[0]) == _numbers(full.validation()[0])


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    first, again, other = (
        prepare("digits", seed=seed, cache_directory=tmp_path / str(index))
        for index, seed in enumerate((3, 3, 4))
    )
    assert _content(first) == _content(again)
    assert first.spec == again.spec
    np.testing.assert_array_equal(np.bincount(first.test()[1]), np.bincount(other.test()[1]))
    assert first.spec.content_hash != other.spec.content_hash
    assert not np.array_equal(first.test()[0], other.test()[0])


def _content(prepared: PreparedData) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in prepared.directory.iterdir()}


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sources that were loaded, in order."""
    loaded: list[str] = []

    def counting(source: str, **options: Any) -> RawData:
        loaded.append(source)
        return load_source(source, **options)

    # The room's face has a function of the module's name.
    monkeypatch.setattr(sys.modules["arnn_search.data.prepare"], "load_source", counting)
    return loaded


def test_second_call_opens_what_the_first_wrote(cache: Path, loads: list[str]) -> None:
    first = prepare("wine", cache_directory=cache)
    assert prepare("wine", cache_directory=cache) == first
    assert loads == ["wine"]


@pytest.mark.parametrize(
    "options",
    [{"seed": 1}, {"test": 0.2}, {"validation": 0.2}, {"scaling": "minmax"}, {"max_train_samples": 30}],
)
def test_other_options_are_prepared_apart(cache: Path, options: dict[str, Any]) -> None:
    assert prepare("wine", cache_directory=cache) != prepare("wine", cache_directory=cache, **options)


def test_changed_file_is_prepared_again(save_npz: Save, cache: Path) -> None:
    first = prepare(save_npz(**_numbered(30)), cache_directory=cache)
    second = prepare(save_npz(**_numbered(33)), cache_directory=cache)
    assert (first.spec.num_train, second.spec.num_train) == (22, 23)


def test_damaged_directory_is_written_again(cache: Path, loads: list[str]) -> None:
    directory = prepare("wine", cache_directory=cache).directory
    (directory / "x_train.npy").write_bytes(b"")
    assert prepare("wine", cache_directory=cache).train()[0].shape == (124, 13)
    assert loads == ["wine", "wine"]


def test_leavings_of_a_killed_process_are_cleared(cache: Path) -> None:
    directory = prepare("wine", cache_directory=cache).directory
    partial = cache / f".{directory.name}.partial"
    directory.rename(partial)
    assert prepare("wine", cache_directory=cache).directory == directory
    assert not partial.exists()


def test_calls_at_the_same_time_write_once(cache: Path, loads: list[str]) -> None:
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: prepare("wine", cache_directory=cache), range(4)))
    assert loads == ["wine"]
    assert results == [results[0]] * 4


def test_processes_at_the_same_time_agree(cache: Path) -> None:
    code = """
import sys
from arnn_search.data import prepare
prepared = prepare("digits", cache_directory=sys.argv[1])
print(prepared.directory, prepared.train()[0].sum())
"""
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(cache)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    printed = [process.communicate()[0] for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert printed[0] == printed[1]
    assert [path.name for path in cache.iterdir() if path.is_dir()] == [Path(printed[0].split()[0]).name]


def test_importing_the_room_loads_nothing_heavy(cache: Path) -> None:
    code = """
import sys
from arnn_search.data import prepare
heavy = {"sklearn", "scipy", "pandas", "pyarrow", "PIL", "keras", "tensorflow"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
prepare("digits", cache_directory=sys.argv[1])
assert not {"keras", "tensorflow"} & set(sys.modules)
prepare("digits", cache_directory=sys.argv[1])
"""
    subprocess.run([sys.executable, "-c", code, str(cache)], check=True)


def test_folder_of_images(save_images: Callable[..., Path], cache: Path) -> None:
    folder = save_images(mode="RGB", cat=[(6, 8)] * 10, dog=[(6, 8)] * 10)
    spec = prepare(str(folder), cache_directory=cache).spec
    assert (spec.name, spec.class_names, spec.input_shape) == ("images", ("cat", "dog"), (8, 6, 3))


def test_table_with_several_targets(tmp_path: Path, cache: Path) -> None:
    rows = "".join(f"{i},{'red' if i % 2 else 'blue'},{i * 2},{i % 7}\n" for i in range(40))
    (tmp_path / "table.csv").write_text("a,colour,y1,y2\n" + rows)
    prepared = prepare(str(tmp_path / "table.csv"), target="y1,y2", cache_directory=cache)
    assert (prepared.spec.num_outputs, prepared.spec.input_shape) == (2, (3,))
    assert prepared.train()[1].shape == (28, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"validation": 0}, "validation must be a share above 0 and below 1. Received: 0"),
        ({"test": 1.5}, "test must be a share"),
        ({"validation": 0.5, "test": 0.5}, r"leave a share for training, below 1\. Received: 0\.5 \+ 0\.5"),
        ({"max_train_samples": 0}, "max_train_samples must be 1 or more"),
        ({"seed": -1}, "seed must be 0 or more"),
    ],
)
def test_options_out_of_their_range(cache: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        prepare("digits", cache_directory=cache, **options)


def test_unknown_scaling(cache: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"Unknown scaling 'standart'\. Did you mean standard"):
        prepare("digits", scaling="standart", cache_directory=cache)  # type: ignore[arg-type]


def test_cache_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"Prepared data cannot be written to .*file"):
        prepare("digits", cache_directory=tmp_path / "file")
