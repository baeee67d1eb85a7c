"""What a user gets: the wheel, installed in an environment of its own, used from another folder."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    directory = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(directory),
        str(ROOT),
    ]
    subprocess.run(command, check=True, capture_output=True)
    (path,) = directory.glob("arnn_search-*.whl")
    return path


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """An interpreter that has the wheel and, to save a gigabyte of downloads, this one's other packages."""
    directory = tmp_path_factory.mktemp("environment")
    venv.create(directory, with_pip=False, symlinks=True)
    interpreter = directory / "bin" / "python"
    own = directory / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    subprocess.run(
        [sys.executable, "-m", "pip", "--quiet", "install", "--no-deps", "--target", str(own), str(wheel)],
        check=True,
        capture_output=True,
    )
    # A path named in a .pth file is searched last, and its own .pth files (an editable install) are not read.
    (own / "other_packages.pth").write_text(sysconfig.get_path("purelib"))
    return interpreter


def _run(python, *arguments, folder):
    # Without the checkout, which a PYTHONPATH of the developer's may name, and no part of this test run.
    variables = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHONPATH", "PYTEST_"))
    }
    done = subprocess.run(
        [python, *arguments], cwd=folder, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_wheel_brings_no_other_top_level_package(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"arnn_search"}
    for needed in (
        "arnn_search/py.typed",
        "arnn_search/_bundled/search_spaces/poster_cnn.py",
        "arnn_search/_bundled/dashboards/overview.py",
        "arnn_search/spaces/start.py",
    ):
        assert needed in names
    assert not [name for name in names if "__pycache__" in name or "/tests/" in name]


def test_installed_package_is_the_wheel_and_the_only_one_at_the_top(python, tmp_path):
    where = _run(python, "-c", "import arnn_search; print(arnn_search.__file__)", folder=tmp_path).strip()
    installed = Path(where).parents[1]
    assert python.parent.parent in installed.parents
    packages = {path.name for path in installed.iterdir() if path.is_dir()} - {"__pycache__", "bin"}
    assert {name for name in packages if not name.endswith(".dist-info")} == {"arnn_search"}


def test_built_in_spaces_are_found_from_another_folder(python, tmp_path):
    listed = _run(python, "-m", "arnn_search.cli.main", "spaces", "list", folder=tmp_path)
    assert "poster-cnn" in listed
    assert "[built-in]" in listed


def test_every_format_of_every_space_is_written_by_the_installed_package(python, tmp_path):
    shutil.copytree(ROOT / "tests", tmp_path / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    said = _run(python, "-m", "pytest", "-q", "tests/export/formats", folder=tmp_path)
    assert " passed" in said
    assert "skipped" not in said


def test_study_runs_and_exports_from_another_folder(python, tmp_path):
    run = ["-m", "arnn_search.cli.main", "run", "--space", "dense-stack", "--trials", "1", "--epochs", "1"]
    said = _run(python, *run, "--study", "small", folder=tmp_path)
    assert "1 of 1 trials: 1 completed" in said
    said = _run(python, "-m", "arnn_search.cli.main", "export", "small", folder=tmp_path)
    assert "Verified in a clean process (stock Keras layers only)" in said
    assert (tmp_path / "best.keras").is_file()
