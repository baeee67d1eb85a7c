"""Every block of code and every command of the README and the pages, run in a folder of its own."""

import shutil
import sys

import numpy as np
import pytest

from tests.docs.blocks import (
    LANGUAGES,
    ROOT,
    check,
    commands,
    inline_commands,
    pages,
    parse,
    read_blocks,
    run,
    write,
)

PAGES = [page for page in pages() if read_blocks(page)]
PLACEHOLDERS = {"N": "3"}


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """The folder of somebody who has run the first study, and has data of their own."""
    folder = tmp_path_factory.mktemp("story")
    generator = np.random.default_rng(0)
    x = generator.normal(size=(160, 3))
    rows = [f"{a:.3f},{b:.3f},{'red' if c > 0 else 'blue'},{100 * a + 10 * b:.2f}" for a, b, c in x]
    (folder / "prices.csv").write_text("size,age,colour,price\n" + "\n".join(rows) + "\n")
    _photos(folder / "photos", generator)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        from arnn_search import search

        search(num_trials=1, epochs=1, max_train_samples=256, workers=1)
    return folder


@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_blocks_run(page, story, tmp_path, monkeypatch):
    folder = tmp_path / "folder"
    # MLflow's files stay where they are: studies know the address, and a sender may still be at work on them.
    shutil.copytree(story, folder, ignore=shutil.ignore_patterns("mlflow.db*", "mlruns"))
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    names = {"__name__": "__main__"}
    for block in read_blocks(page):
        try:
            _follow(block, names)
        except (Exception, SystemExit) as error:
            error.add_note(f"In {block.place}")
            raise


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_in_running_text_exist(page):
    for words in inline_commands(page):
        filled = [PLACEHOLDERS.get(word, word).strip("[].") for word in words]
        words = [word for word in filled if word not in ("", "--help")]
        if len(words) > 1:
            parse(words)


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_blocks_say_what_they_are(page):
    assert not [block.place for block in read_blocks(page) if block.language not in LANGUAGES]
    text = page.read_text(encoding="utf-8")
    assert not [line for line in text.splitlines() if line.startswith("    arnn-search ")]


def _follow(block, names):
    if block.is_file:
        write(block)
    elif block.language == "python":
        exec(compile(block.text, block.place, "exec"), names)
    elif block.language == "sh":
        for words in commands(block):
            (check if block.is_only_checked else run)(words)


def _photos(folder, generator):
    from PIL import Image

    for name, brightness in (("cat", 60), ("dog", 180)):
        (folder / name).mkdir(parents=True)
        for number in range(30):
            pixels = generator.integers(brightness - 50, brightness + 50, size=(8, 8, 3))
            Image.fromarray(pixels.astype("uint8")).save(folder / name / f"{number}.png")
