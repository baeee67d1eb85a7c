import sys
from importlib.metadata import EntryPoint

import pytest

from arnn_search import plugin_files
from arnn_search.errors import SpaceError, UnknownNameError
from arnn_search.spaces.discovery import ENTRY_POINT_GROUP, find_space, find_spaces

GOOD = '"""A tiny space."""\n\n\ndef build(hp, data):\n    raise RuntimeError("never run by a listing")\n'


def _write(directory, name, text=GOOD):
    folder = directory / "search_spaces"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


def test_built_in_spaces_are_found():
    names = [space.name for space in find_spaces()]
    assert {"poster-cnn", "dense-stack", "conv-classifier"} <= set(names)


def test_local_space_is_found_by_name_without_running_it(tmp_path):
    path = _write(tmp_path, "my_space.py")
    space = find_space("my-space", directory=tmp_path)
    assert (space.path, space.origin, space.summary) == (path, "./search_spaces", "A tiny space.")


def test_path_is_taken_as_it_is(tmp_path):
    path = _write(tmp_path, "other.py")
    assert find_space(str(path)).origin == "given path"


def test_unknown_name_lists_the_nearest(tmp_path):
    with pytest.raises(UnknownNameError, match=r"Unknown search space 'poster_cn'. Did you mean poster-cnn"):
        find_space("poster_cn", directory=tmp_path)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(SpaceError, match=r"no search space file .*none.py"):
        find_space(str(tmp_path / "none.py"))


def test_name_defined_twice_names_both_places(tmp_path):
    path = _write(tmp_path, "dense_stack.py")
    with pytest.raises(SpaceError, match="defined twice") as caught:
        find_space("poster-cnn", directory=tmp_path)
    assert str(path) in str(caught.value)
    assert "built-in" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('"""Doc."""\n\n\ndef build(hp, data)\n    pass\n', r"line 4: expected ':': def build\(hp, data\)"),
        ('"""Doc."""\n', "defines `build"),
        ("def build(hp, data):\n    pass\n", "starts with a docstring"),
    ],
)
def test_unusable_files_are_named_with_the_line(tmp_path, text, message):
    path = _write(tmp_path, "broken.py", text)
    with pytest.raises(SpaceError, match=message) as caught:
        find_space(str(path))
    assert str(path) in str(caught.value)


def test_listing_goes_on_past_an_unusable_file(tmp_path):
    _write(tmp_path, "broken.py", "def build(")
    found = find_spaces(tmp_path)
    assert [type(space) for space in found].count(SpaceError) == 1
    assert len(found) >= 4


def test_entry_point_is_found_without_importing_its_module(tmp_path, monkeypatch):
    (tmp_path / "plugin_space.py").write_text(GOOD)
    monkeypatch.syspath_prepend(tmp_path)
    point = EntryPoint("any", "plugin_space", ENTRY_POINT_GROUP)
    monkeypatch.setattr(plugin_files, "installed_entry_points", lambda group: [point])
    assert find_space("plugin-space").origin == "entry point plugin_space"
    assert "plugin_space" not in sys.modules


def test_digest_follows_the_text(tmp_path):
    first = find_space(str(_write(tmp_path, "a.py"))).digest
    assert first != find_space(str(_write(tmp_path, "a.py", GOOD + "# more\n"))).digest
